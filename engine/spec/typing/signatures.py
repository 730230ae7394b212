"""What each function takes and gives, by kinds; `engine.core.expressions.catalog` has the functions themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.spec.typing.kinds import ANYTHING, Kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The kinds of each parameter, the receiver of a method first, and what comes out."""

    parameters: tuple[Kinds, ...]
    gives: Kinds


_ACCESSORS = ("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear")
ZONED = ("getHours", "getMinutes", "getSeconds", "getMilliseconds")
"""Asked of times and spans; only times are asked with a zone."""
_TWO_INTS = ("bitAnd", "bitOr", "bitXor", "bitShiftLeft", "bitShiftRight")

_FUNCTIONS = {
    "int": "int|double|bool|string|timestamp -> int",
    "double": "int|double|string -> double",
    "string": "string|bytes|bool|int|double|timestamp|duration -> string",
    "bool": "bool|string -> bool",
    "bytes": "bytes|string -> bytes",
    "timestamp": "timestamp|string|int -> timestamp",
    "duration": "duration|string -> duration",
    "dyn": "any -> any",
    "type": "any -> type",
    "size": "string|bytes|list|map -> int",
    "matches": "string string -> bool",
    "strings.quote": "string -> string",
    "lists.range": "int -> list",
    "math.abs": "int|double -> int|double",
    "math.sign": "int|double -> int|double",
    "math.sqrt": "int|double -> double",
    **dict.fromkeys((f"math.{name}" for name in ("ceil", "floor", "round", "trunc")), "double -> double"),
    **dict.fromkeys((f"math.{name}" for name in ("isNaN", "isInf", "isFinite")), "double -> bool"),
    **dict.fromkeys((f"math.{name}" for name in _TWO_INTS), "int int -> int"),
    "math.bitNot": "int -> int",
    "optional.of": "any -> optional",
    "optional.none": "-> optional",
    "optional.ofNonZeroValue": "any -> optional",
    "base64.encode": "bytes -> string",
    "base64.decode": "string -> bytes",
}
_METHODS = {
    "size": "string|bytes|list|map -> int",
    "contains": "string string -> bool",
    "startsWith": "string string -> bool",
    "endsWith": "string string -> bool",
    "matches": "string string -> bool",
    "charAt": "string int -> string",
    "indexOf": "string string int -> int",
    "lastIndexOf": "string string int -> int",
    "lowerAscii": "string -> string",
    "upperAscii": "string -> string",
    "replace": "string string string int -> string",
    "split": "string string int -> list",
    "substring": "string int int -> string",
    "trim": "string -> string",
    "join": "list string -> string",
    "format": "string list -> string",
    "slice": "list int int -> list",
    "flatten": "list int -> list",
    "distinct": "list -> list",
    "reverse": "list|string -> list|string",
    "sort": "list -> list",
    "first": "list -> optional",
    "last": "list -> optional",
    "hasValue": "optional -> bool",
    "value": "optional -> any",
    "orValue": "optional any -> any",
    "or": "optional optional -> optional",
    **dict.fromkeys(_ACCESSORS, "timestamp string -> int"),
    **dict.fromkeys(ZONED, "timestamp|duration string|null -> int"),
}
"""`math.greatest` and `math.least`, which take any number of numbers or one list of them, have no line."""


def _kinds(written: str) -> Kinds:
    return ANYTHING if written == "any" else frozenset(written.split("|"))


def _read(line: str) -> Signature:
    taken, _, given = line.partition("->")
    return Signature(parameters=tuple(_kinds(word) for word in taken.split()), gives=_kinds(given.strip()))


FUNCTIONS: Mapping[str, Signature] = {name: _read(line) for name, line in _FUNCTIONS.items()}
METHODS: Mapping[str, Signature] = {name: _read(line) for name, line in _METHODS.items()}
