"""What is wrong with the types of an expression, in the words of its author."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from engine.core.values import Json
from engine.spec.cel_paths import children
from engine.spec.findings import Severity
from engine.spec.typing.kinds import BOOL, NUMBER, Kinds, real, words
from engine.spec.typing.signatures import FUNCTIONS
from engine.spec.typing.types import Type

MISFIT, NEVER_EQUAL = "expression-type", "never-equal"
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,17})?")
_CONVERSIONS = ("string", "int", "double", "timestamp", "duration", "bytes")
_TEXT: Kinds = frozenset(("string",))
_DOUBLE: Kinds = frozenset(("double",))
_MADE_BY: Mapping[str, tuple[Kinds, ...]] = {
    **{kind: (frozenset((kind,)),) for kind in _CONVERSIONS},
    "int": (frozenset(("int",)), NUMBER),
    "timestamp": (frozenset(("timestamp",)), frozenset(("timestamp", "duration"))),
}
"""What is needed where a conversion helps."""
_SHOWN = 40
_PATH_TAGS = frozenset(("get", "get?", "has"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeProblem:
    """Offset and length count characters of the source; `node` is what can never give a value, or never but one."""

    rule: str
    offset: int
    length: int
    message: str
    suggestion: str | None
    node: Json

    @property
    def severity(self) -> Severity:
        """A comparison that is always false does not stop a run: it is a warning."""
        return "warning" if self.rule == NEVER_EQUAL else "error"


def misfit(node: Json, at: Json, message: str, suggestion: str | None = None) -> TypeProblem:
    """`node` always fails, because of what stands `at`."""
    offset, length = _span(at)
    return TypeProblem(rule=MISFIT, offset=offset, length=length, message=message, suggestion=suggestion, node=node)


def unequal(node: Json, message: str, suggestion: str | None = None) -> TypeProblem:
    """`node` compares what is never equal."""
    offset, length = _span(node)
    return TypeProblem(
        rule=NEVER_EQUAL, offset=offset, length=length, message=message, suggestion=suggestion, node=node
    )


def extent(node: Json) -> tuple[int, int]:
    """The offset at which the first part of a node begins and the one at which its last part ends, as far as they can be told."""
    offset, length = _span(node)
    parts = [(offset, offset + length), *map(extent, children(node))]
    return min(begin for begin, _ in parts), max(end for _, end in parts)


def told(node: Json, known: Type) -> str:
    """`"inputs.replicas" is a whole number`."""
    return f"{_subject(node)} is {words(known.kinds)}"


def source_of(node: Json) -> str | None:
    """How a name with members, or a constant, is written; None for all else."""
    match node[0]:
        case "const":
            return _constant(node[2])
        case "name" | "var":
            return str(node[2])
        case "get" | "get?":
            base = source_of(node[2])
            return base and f"{base}.{node[0][3:]}{node[3]}"
        case "has":
            base = source_of(node[2])
            return base and f"has({base}.{node[3]})"
        case "binary" if node[2] in {"[]", "[?]"}:
            base, key = source_of(node[3]), source_of(node[4])
            return base and key and f"{base}{node[2][:-1]}{key}]"
    return None


def converted(node: Json, known: Type, needed: Kinds) -> str | None:
    """The same value, made into what is `needed`."""
    if "optional" in needed and node[0] == "get":
        base = source_of(node[2])
        return base and f"{base}.?{node[3]}"
    if node[0] == "const" and (written := rewritten(node[2], needed)):
        return written
    source = source_of(node)
    kind = next((kind for kind in _CONVERSIONS if real(needed) in _MADE_BY[kind]), None)
    if source is None or kind is None or not real(known.kinds) <= FUNCTIONS[kind].parameters[0]:
        return None
    return f"{kind}({source})"


def rewritten(value: Json, needed: Kinds) -> str | None:
    """`3` for `'3'` where a number is needed, `'3'` for `3` where it is text, `true` for `'true'`, `3.0` for `3`."""
    if isinstance(value, str):
        if real(needed) <= NUMBER and _NUMBER.fullmatch(value):
            return value
        return value if needed == BOOL and value in ("true", "false") else None
    if needed == _TEXT and isinstance(value, bool | int):
        return f"'{str(value).lower()}'"
    if needed == _DOUBLE and isinstance(value, int) and not isinstance(value, bool):
        return f"{value}.0"
    return None


def _subject(node: Json) -> str:
    source = source_of(node)
    if source is not None:
        return source if node[0] == "const" else f'"{source}"'
    if node[0] in {"call", "method", "macro"}:
        return f"what {node[2]}() gives"
    if node[0] in _PATH_TAGS:
        return f'the member "{node[3]}"'
    return f"what '{node[2]}' gives" if node[0] == "binary" and node[2] not in {"[]", "[?]"} else "this"


def _constant(value: Json) -> str:
    if isinstance(value, str):
        text = value if len(value) <= _SHOWN else value[:_SHOWN] + "…"
        return "'" + text.translate({ord("'"): "\\'", ord("\\"): "\\\\", ord("\n"): "\\n"}) + "'"
    return json.dumps(value)


def _span(node: Json) -> tuple[int, int]:
    """Where a node begins and how long it is, as far as it can be told from its parts."""
    if source_of(node) is not None:
        begin, end = _begin(node), _end(node)
        return begin, end - begin
    return node[1], _end(node) - node[1]


def _begin(node: Json) -> int:
    while node[0] in _PATH_TAGS or node[0] == "binary":
        node = node[2] if node[0] in _PATH_TAGS else node[3]
    return int(node[1])


def _end(node: Json) -> int:
    match node[0]:
        case "get" | "get?" | "has":
            return int(node[1]) + len(node[3])
        case "name" | "var" | "type":
            return int(node[1]) + len(node[2])
        case "call" | "method" | "macro":
            return int(node[1]) + len(node[2])
        case "const":
            return int(node[1]) + len(_constant(node[2]))
        case "binary" if node[2] in {"[]", "[?]"}:
            return _end(node[4]) + 1
        case "binary":
            return int(node[1]) + len(node[2])
    return int(node[1]) + 1
