"""Parses CEL source into the AST the engine stores, behind limits that hold before the library sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from cel_expr_python import cel

from engine.core.values import Json
from engine.spec import cel_wire
from engine.spec.cel_forms import Form, Shape, cut
from engine.spec.cel_paths import references
from engine.spec.cel_tokens import CelSyntaxError, Token, tokens
from engine.spec.cel_tree import TreeMaker

__all__ = ["CelSyntaxError", "Parsed", "parse"]

SOURCE_BYTES = 4096
"""How long an expression may be, in UTF-8."""

_ENVIRONMENT = "stdlib: {disable_macros: true}\nextensions: [{name: optional}]\n"
"""Without macros the tree keeps the shape of the text; the extension is what allows `.?` and `[?]`."""

_EXPANDED_ANYWAY = frozenset(("optMap", "optFlatMap"))
"""Macros that come with that extension; each copies its receiver, so a chain of them doubles the tree at every link."""

_REFUSED = re.compile("[\0\ud800-\udfff]")
_ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): ([^\n]*)")
_EXPECTING = re.compile(r" expecting .*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """An expression ready to be stored: `ast` as `engine.core.expressions.compile` documents it, `refs` the paths it reads."""

    ast: Json
    refs: tuple[tuple[str, ...], ...]


@lru_cache(maxsize=1024)
def parse(source: str) -> Parsed:
    """Parse one expression; raises `CelSyntaxError` for what is no CEL, too long or deep, or not part of this language."""
    if len(source) > SOURCE_BYTES or len(source.encode(errors="replace")) > SOURCE_BYTES:
        raise CelSyntaxError(0, f"an expression is at most {SOURCE_BYTES // 1024} KiB long")
    _check_characters(source)
    shape, literals = cut(source)
    form = _form(shape) if literals else None
    ast = form.tree(literals) if form else _tree(source)
    return Parsed(ast=ast, refs=references(ast))


@lru_cache(maxsize=1024)
def _form(shape: Shape) -> Form | None:
    """What the sources of a shape have in common; None where each must be parsed by itself, if only to say what is wrong."""
    try:
        return Form(shape, _tree(shape.plain()))
    except (CelSyntaxError, ValueError):
        return None


def _tree(source: str) -> Json:
    found = tokens(source)
    if not found:
        raise CelSyntaxError(0, "the expression is empty")
    try:
        compiled = _environment().compile(_without_expansion(source, found), disable_check=True)
    except RuntimeError as error:
        raise _translated(source, str(error)) from None
    return TreeMaker(found).make(cel_wire.read(compiled.serialize()))


@cache
def _environment() -> cel.Env:
    return cel.NewEnv(config=cel.NewEnvConfigFromYaml(_ENVIRONMENT))


def _check_characters(source: str) -> None:
    if match := _REFUSED.search(source):
        raise CelSyntaxError(match.start(), f"the character U+{ord(match[0]):04X} may not stand in an expression")


def _without_expansion(source: str, found: list[Token]) -> str:
    """The same text with those two names in capitals: as plain calls they come back whole, placed where they stand."""
    characters = list(source)
    for token in found:
        if token.text in _EXPANDED_ANYWAY and token.kind == "word":
            characters[token.start : token.start + len(token.text)] = token.text.upper()
    return "".join(characters)


def _translated(source: str, report: str) -> CelSyntaxError:
    match = _ERROR.search(report)
    if match is None or int(match[1]) > source.count("\n") + 1:
        return CelSyntaxError(0, "the expression nests too deeply; split it into several values")
    lines = source.split("\n")
    offset = min(sum(len(line) + 1 for line in lines[: int(match[1]) - 1]) + int(match[2]) - 1, len(source))
    return CelSyntaxError(max(offset, 0), _plain(match[3]))


def _plain(message: str) -> str:
    """The parser's message without its grammar."""
    message = _EXPECTING.sub("", message.removeprefix("Syntax error: ")).removesuffix(" [INVALID_ARGUMENT]")
    if "'<EOF>'" in message:
        return "the expression ends too early"
    if match := re.match(r"(?:mismatched|extraneous) input (.*)", message):
        return f"unexpected {match[1]}"
    if match := re.match(r"no viable alternative at input (.*)", message):
        return f"cannot read {match[1]}"
    return message
