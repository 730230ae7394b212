"""Values that exist only while an expression runs, and the names of all types."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.values import Json


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Timestamp:
    """Nanoseconds since 1970-01-01T00:00:00Z."""

    nanos: int


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Duration:
    """A span in nanoseconds."""

    nanos: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Optional:
    """A value that may be absent, from `.?`, `[?]` and `optional.*`."""

    present: bool
    value: Json = None


ABSENT = Optional(present=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeName:
    """What `type(x)` gives, and what `int`, `string` … stand for."""

    name: str


_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "bool",
    int: "int",
    float: "double",
    str: "string",
    bytes: "bytes",
    list: "list",
    dict: "map",
    Timestamp: "timestamp",
    Duration: "duration",
    Optional: "optional",
    TypeName: "type",
}

TYPES: dict[str, TypeName] = {
    name: TypeName(name=name)
    for name in ("bool", "int", "double", "string", "bytes", "list", "map", "null_type", "type", "optional_type")
}
"""The identifiers that name a type when no name in scope is called so."""

_TYPE_OF: dict[type, TypeName] = {
    type(None): TYPES["null_type"],
    bool: TYPES["bool"],
    int: TYPES["int"],
    float: TYPES["double"],
    str: TYPES["string"],
    bytes: TYPES["bytes"],
    list: TYPES["list"],
    dict: TYPES["map"],
    Timestamp: TypeName(name="google.protobuf.Timestamp"),
    Duration: TypeName(name="google.protobuf.Duration"),
    Optional: TYPES["optional_type"],
    TypeName: TYPES["type"],
}


def kind(value: Json) -> str:
    """The word for the type of `value` in messages."""
    return _KINDS[type(value)]


def type_of(value: Json) -> TypeName:
    """CEL's `type(value)`."""
    return _TYPE_OF[type(value)]


def some(value: Json) -> Optional:
    """A present optional."""
    return Optional(present=True, value=value)
