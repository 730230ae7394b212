"""The kinds of values an expression can meet, and how they are called in front of authors."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

Kinds: TypeAlias = frozenset[str]
"""What a value may be. `whole` is JSON Schema's integer: an int, or a double such as 2.0."""

ANYTHING: Kinds = frozenset(
    (
        "null",
        "bool",
        "int",
        "double",
        "string",
        "list",
        "map",
        "bytes",
        "timestamp",
        "duration",
        "optional",
        "type",
    )
)
NUMBER: Kinds = frozenset(("int", "double"))
BOOL: Kinds = frozenset(("bool",))
BOXES: Kinds = frozenset(("list", "map"))
"""What can be gone through, item by item."""
RESULT: Kinds = frozenset(("null", "bool", "int", "double", "string", "list", "map", "timestamp", "duration"))
"""What may leave an expression; times become text."""
WRITTEN: Kinds = RESULT - {"null", "list", "map"}
"""What may stand inside text."""

_WORDS = {
    "string": "text",
    "int": "a whole number",
    "double": "a decimal number",
    "bool": "true or false",
    "list": "a list",
    "map": "a map",
    "null": "null",
    "bytes": "bytes",
    "timestamp": "a timestamp",
    "duration": "a duration",
    "optional": "an optional",
    "type": "a type",
}


@lru_cache(maxsize=1024)
def real(kinds: Kinds) -> Kinds:
    """The same as the evaluator tells them apart."""
    return (kinds - {"whole"}) | NUMBER if "whole" in kinds else kinds


def words(kinds: Kinds) -> str:
    """`text`, `a whole number`, `a list or a map`, for people."""
    if kinds >= {"int", "double"} or kinds >= {"whole", "double"}:
        named = ["a number", *(word for kind, word in _WORDS.items() if kind in kinds - NUMBER)]
    else:
        whole = (kinds - {"whole"}) | {"int"} if "whole" in kinds else kinds
        named = [word for kind, word in _WORDS.items() if kind in whole]
    return " or ".join(filter(None, (", ".join(named[:-1]), named[-1]))) if named else "nothing"
