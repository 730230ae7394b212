"""Reads the parsed form the CEL library serializes (google.api.expr `ParsedExpr`), without its protobuf classes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from engine.core.values import Json

ConstantKind: TypeAlias = Literal["null", "bool", "int", "uint", "double", "string", "bytes"]
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
_CONSTANTS: dict[int, ConstantKind] = {1: "null", 2: "bool", 3: "int", 4: "uint", 5: "double", 6: "string", 7: "bytes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    at: int
    kind: ConstantKind
    value: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    at: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Select:
    at: int
    base: Node
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    at: int
    function: str
    target: Node | None
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """A list literal; `optional` has the places of its `?x` elements."""

    at: int
    items: tuple[Node, ...]
    optional: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """A map literal: (key, value, optional) each."""

    at: int
    entries: tuple[tuple[Node, Node, bool], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """`Name{field: value}`, which this language does not have."""

    at: int
    name: str


Node: TypeAlias = "Constant | Name | Select | Call | Items | Entries | Message"


def read(serialized: bytes) -> Node:
    """The syntax tree in a serialized `Any(ParsedExpr)`, `at` being where the library places each node, in characters."""
    parsed = _last(serialized, 2)
    info = _last(parsed, 3)
    places: dict[int, int] = {}
    for entry in _all(info, 4):
        places[_number(entry, 1)] = _number(entry, 2)
    return _Reader(places).node(_last(parsed, 2))


class _Reader:
    def __init__(self, places: dict[int, int]) -> None:
        self._places = places

    def node(self, raw: bytes) -> Node:
        at = self._places.get(_number(raw, 2), 0)
        for field, value in _fields(raw):
            if isinstance(value, int):
                continue
            match field:
                case 3:
                    return _constant(at, value)
                case 4:
                    return Name(at=at, name=_text(value, 1))
                case 5:
                    return Select(at=at, base=self.node(_last(value, 1)), name=_text(value, 2))
                case 6:
                    return self._call(at, value)
                case 7:
                    items = tuple(self.node(item) for item in _all(value, 1))
                    return Items(at=at, items=items, optional=frozenset(_packed(_last(value, 2))))
                case 8:
                    return self._struct(at, value)
                case _:
                    msg = f"the parser sent a node of kind {field}, which it should not make"
                    raise ValueError(msg)
        return Constant(at=at, kind="null", value=None)

    def _call(self, at: int, raw: bytes) -> Node:
        target = next(_all(raw, 1), None)
        return Call(
            at=at,
            function=_text(raw, 2),
            target=None if target is None else self.node(target),
            arguments=tuple(self.node(argument) for argument in _all(raw, 3)),
        )

    def _struct(self, at: int, raw: bytes) -> Node:
        if name := _text(raw, 1):
            return Message(at=at, name=name)
        entries = tuple(
            (self.node(_last(entry, 3)), self.node(_last(entry, 4)), bool(_number(entry, 5))) for entry in _all(raw, 2)
        )
        return Entries(at=at, entries=entries)


def _constant(at: int, raw: bytes) -> Constant:
    for field, value in _fields(raw):
        kind = _CONSTANTS[field]
        if isinstance(value, int):
            return Constant(at=at, kind=kind, value=_scalar(kind, value))
        if kind == "double":
            return Constant(at=at, kind=kind, value=struct.unpack("<d", value)[0])
        return Constant(at=at, kind=kind, value=value.decode() if kind == "string" else None)
    return Constant(at=at, kind="null", value=None)


def _scalar(kind: ConstantKind, value: int) -> Json:
    if kind == "bool":
        return bool(value)
    if kind == "int":
        return value - (1 << 64) if value >= 1 << 63 else value
    return None


def _fields(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The (field number, value) pairs of one protobuf message."""
    at = 0
    while at < len(raw):
        key, at = _varint(raw, at)
        wire = key & 7
        if wire == _VARINT:
            value, at = _varint(raw, at)
            yield key >> 3, value
            continue
        if wire == _BYTES:
            size, at = _varint(raw, at)
        else:
            size = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}[wire]
        yield key >> 3, raw[at : at + size]
        at += size


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:  # noqa: PLR2004 - the top bit says that more bytes follow
            return value, at
        shift += 7


def _all(raw: bytes, field: int) -> Iterator[bytes]:
    return (value for found, value in _fields(raw) if found == field and isinstance(value, bytes))


def _last(raw: bytes, field: int) -> bytes:
    found = b""
    for value in _all(raw, field):
        found = value
    return found


def _text(raw: bytes, field: int) -> str:
    return _last(raw, field).decode()


def _number(raw: bytes, field: int) -> int:
    return next((value for found, value in _fields(raw) if found == field and isinstance(value, int)), 0)


def _packed(raw: bytes) -> Iterator[int]:
    at = 0
    while at < len(raw):
        value, at = _varint(raw, at)
        yield value
