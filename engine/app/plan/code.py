"""Values as their author wrote them, so that two of them can be held against each other by what they mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import orjson

from engine.core.expressions.model import Expression, ListOf, Literal, MapOf, Template, Text
from engine.core.values import Json
from engine.spec.cel_tokens import tokens

Written: TypeAlias = Any
"""JSON, with `Code` for what is computed."""

_LITERAL = "$${{"


@dataclass(frozen=True, slots=True)
class Code:
    """An expression, or text with some in it. Two are the same if their tokens are: spaces and comments mean nothing."""

    tokens: tuple[str, ...]
    text: str = field(compare=False)


def bare(expression: Expression | None) -> Code | None:
    """An expression that stands without `${{ }}`."""
    return None if expression is None else Code(_tokens(expression), expression.source)


def written(template: Template) -> Written:
    """A template as it stands in the file."""
    match template:
        case Literal():
            return _literal(template.value)
        case Expression():
            return Code(_tokens(template), f"${{{{ {template.source.strip()} }}}}")
        case Text():
            return _text(template)
        case ListOf():
            return [written(item) for item in template.items]
        case MapOf():
            return {key: written(item) for key, item in template.items}


def plain(value: Written) -> Json:
    """The value with the text of what is computed."""
    if isinstance(value, Code):
        return value.text
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    return [plain(entry) for entry in value] if isinstance(value, list | tuple) else value


def same(one: Written, other: Written) -> bool:
    """Whether two values mean the same. 1, 1.0 and true do not."""
    return _canonical(one) == _canonical(other)


def _canonical(value: Written) -> bytes:
    return orjson.dumps(value, default=_marked, option=orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS)


def _marked(code: Code) -> Json:
    """As nothing in a file looks: YAML has no such character."""
    return {"\0": list(code.tokens)}


def _literal(value: Json) -> Json:
    if isinstance(value, str):
        return value.replace("${{", _LITERAL)
    if isinstance(value, dict):
        return {key: _literal(entry) for key, entry in value.items()}
    return [_literal(entry) for entry in value] if isinstance(value, list) else value


def _text(text: Text) -> Code:
    read: list[str] = []
    shown: list[str] = []
    for part in text.parts:
        if isinstance(part, str):
            read.append(f"={part}")
            shown.append(part.replace("${{", _LITERAL))
        else:
            read += ["$", *_tokens(part)]
            shown.append(f"${{{{ {part.source.strip()} }}}}")
    return Code(("", *read), "".join(shown))


def _tokens(expression: Expression) -> tuple[str, ...]:
    return tuple(token.text for token in tokens(expression.source))
