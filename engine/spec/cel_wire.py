"""Reads the parsed form the CEL library serializes (google.api.expr `ParsedExpr`), without its protobuf classes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, TypeAlias

from engine.core.values import Json

Fields: TypeAlias = dict[int, list[Any]]
"""The fields of a protobuf message by number: ints, or bytes that are text or a message again."""

ConstantKind: TypeAlias = Literal["null", "bool", "int", "uint", "double", "string", "bytes"]
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
_MORE = 128
"""The top bit of a byte of a number says that more of its bytes follow."""
_SMALL = (1 << 3, 0, 2 << 3, 0)
"""A message whose fields 1 and 2 are numbers of one byte."""
_SHORT = 4
"""Bytes before the message in an `Expr` with small numbers: a key and the id, a key and the length."""
_TEXT = bytes([1 << 3 | _BYTES])
_IDENT = 4
_FIRST_KIND = 3
"""The fields of an `Expr` from here on say what it is; before them come nothing and its id."""

_CONSTANTS: dict[int, ConstantKind] = {1: "null", 2: "bool", 3: "int", 4: "uint", 5: "double", 6: "string", 7: "bytes"}


class Constant(NamedTuple):
    at: int
    kind: ConstantKind
    value: Json


class Name(NamedTuple):
    at: int
    name: str


class Select(NamedTuple):
    at: int
    base: Node
    name: str


class Call(NamedTuple):
    at: int
    function: str
    target: Node | None
    arguments: tuple[Node, ...]


class Items(NamedTuple):
    """A list literal; `optional` has the places of its `?x` elements."""

    at: int
    items: tuple[Node, ...]
    optional: frozenset[int]


class Entries(NamedTuple):
    """A map literal: (key, value, optional) each."""

    at: int
    entries: tuple[tuple[Node, Node, bool], ...]


class Message(NamedTuple):
    """`Name{field: value}`, which this language does not have."""

    at: int
    name: str


Node: TypeAlias = "Constant | Name | Select | Call | Items | Entries | Message"


def read(serialized: bytes) -> Node:
    """The syntax tree in a serialized `Any(ParsedExpr)`, `at` being where the library places each node, in characters."""
    parsed = _message(_message(serialized)[2][0])
    info = _message(parsed[3][0])
    places = dict(map(_place, info.get(4, ())))
    return _Reader(places).node(parsed[2][0])


def _expr(raw: bytes) -> tuple[int, int, bytes]:
    """The id of an `Expr`, the field that says what it is (0: none), and that field's message."""
    if (
        len(raw) > _SHORT
        and raw[0] == _SMALL[2]
        and raw[1] < _MORE
        and raw[2] & 7 == _BYTES
        and raw[3] == len(raw) - _SHORT < _MORE
    ):
        return raw[1], raw[2] >> 3, raw[_SHORT:]  # both numbers have one byte, as most have
    fields = _message(raw)
    kind = next((field for field in fields if field >= _FIRST_KIND), 0)
    return _first(fields, 2, 0), kind, fields[kind][0] if kind else b""


def _only_text(raw: bytes) -> str:
    """The text of a message whose only field is 1."""
    if raw[:1] == _TEXT and raw[1] == len(raw) - 2 and raw[1] < _MORE:
        return raw[2:].decode()
    return _text(_message(raw), 1)


def _place(raw: bytes) -> tuple[int, int]:
    """An entry of the map from a node's id to its place: most have two numbers of one byte each."""
    if len(raw) == len(_SMALL) and raw[0] == _SMALL[0] and raw[2] == _SMALL[2]:
        return raw[1], raw[3]
    entry = _message(raw)
    return _first(entry, 1, 0), _first(entry, 2, 0)


class _Reader:
    def __init__(self, places: dict[int, int]) -> None:
        self._places = places

    def node(self, raw: bytes) -> Node:
        """The node of one `Expr` message."""
        id_, kind, body = _expr(raw)
        at = self._places.get(id_, 0)
        if kind == 0:
            return Constant(at=at, kind="null", value=None)
        if kind == _IDENT:
            return Name(at, _only_text(body))
        inner = _message(body)
        match kind:
            case 3:
                return _constant(at, inner)
            case 5:
                return Select(at=at, base=self.node(inner[1][0]), name=_text(inner, 2))
            case 6:
                return self._call(at, inner)
            case 7:
                optional = frozenset(_packed(_first(inner, 2, b"")))
                return Items(at=at, items=tuple(map(self.node, inner.get(1, ()))), optional=optional)
            case 8:
                return self._struct(at, inner)
            case _:
                msg = f"the parser sent a node of kind {kind}, which it should not make"
                raise ValueError(msg)

    def _call(self, at: int, fields: Fields) -> Node:
        return Call(
            at=at,
            function=_text(fields, 2),
            target=self.node(fields[1][0]) if 1 in fields else None,
            arguments=tuple(map(self.node, fields.get(3, ()))),
        )

    def _struct(self, at: int, fields: Fields) -> Node:
        if name := _text(fields, 1):
            return Message(at=at, name=name)
        entries = [_message(raw) for raw in fields.get(2, ())]
        return Entries(
            at=at,
            entries=tuple(
                (self.node(entry[3][0]), self.node(entry[4][0]), bool(_first(entry, 5, 0))) for entry in entries
            ),
        )


def _constant(at: int, fields: Fields) -> Constant:
    number, (value, *_) = next(iter(fields.items()))
    kind = _CONSTANTS[number]
    match kind:
        case "bool":
            value = bool(value)
        case "int":
            value -= (1 << 64) if value >= 1 << 63 else 0
        case "double":
            (value,) = struct.unpack("<d", value)
        case "string":
            value = value.decode()
        case _:
            value = None
    return Constant(at=at, kind=kind, value=value)


def _message(raw: bytes) -> Fields:
    """The values of one protobuf message by field number, in the order they came. Most numbers have one byte."""
    fields: Fields = {}
    at, end = 0, len(raw)
    while at < end:
        key, at = (raw[at], at + 1) if raw[at] < _MORE else _varint(raw, at)
        wire = key & 7
        if wire == _VARINT:
            value, at = (raw[at], at + 1) if raw[at] < _MORE else _varint(raw, at)
            fields.setdefault(key >> 3, []).append(value)
            continue
        if wire == _BYTES:
            size, at = (raw[at], at + 1) if raw[at] < _MORE else _varint(raw, at)
        else:
            size = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}[wire]
        fields.setdefault(key >> 3, []).append(raw[at : at + size])
        at += size
    return fields


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < _MORE:
            return value, at
        shift += 7


def _first(fields: Fields, field: int, default: Any) -> Any:
    return fields.get(field, (default,))[0]


def _text(fields: Fields, field: int) -> str:
    return str(_first(fields, field, b"").decode())


def _packed(raw: bytes) -> Iterator[int]:
    at = 0
    while at < len(raw):
        value, at = _varint(raw, at)
        yield value
