"""Parameters in PostgreSQL's binary format (source: `array_send` and `int8send` of the server).

psycopg finds out anew what each value is; here a statement's casts say it once.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Final, TypeAlias

Encode: TypeAlias = Callable[[Any], bytes]

BOOL, BYTEA, BIGINT, INT, TEXT, JSON = 16, 17, 20, 23, 25, 114
"""Object ids of types, from `pg_type`."""

_HEAD = struct.Struct("!iiIii")
"""Dimensions, whether there may be nulls, the elements' type, how many there are, the first one's number."""
_NO_ELEMENTS = struct.Struct("!iiI")
_LENGTH = struct.Struct("!i")
_NULL = _LENGTH.pack(-1)


def _texts(values: Sequence[str | None]) -> bytes:
    return _strings(TEXT, [None if value is None else value.encode() for value in values])


def _strings(of: int, values: Sequence[bytes | None]) -> bytes:
    parts = [_head(of, len(values))]
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            parts.append(_LENGTH.pack(len(value)))
            parts.append(value)
    return b"".join(parts)


def _numbers(of: int, size: int, code: str) -> Encode:
    cell = struct.Struct(f"!i{code}").pack

    def encode(values: Sequence[int | None]) -> bytes:
        if None in values:
            cells = [_NULL if value is None else cell(size, value) for value in values]
            return _head(of, len(values)) + b"".join(cells)
        flat: list[Any] = [size] * (2 * len(values))
        flat[1::2] = values
        return _head(of, len(values)) + struct.pack("!" + f"i{code}" * len(values), *flat)

    return encode


def _head(of: int, count: int) -> bytes:
    return _HEAD.pack(1, 1, of, count, 1) if count else _NO_ELEMENTS.pack(0, 0, of)


ENCODERS: Final[Mapping[str, Encode]] = MappingProxyType(
    {
        "text[]": _texts,
        "bytea[]": partial(_strings, BYTEA),
        "json[]": partial(_strings, JSON),
        "bool[]": _numbers(BOOL, 1, "?"),
        "int[]": _numbers(INT, 4, "i"),
        "bigint[]": _numbers(BIGINT, 8, "q"),
        "bigint": struct.Struct("!q").pack,
        "integer": struct.Struct("!i").pack,
        "varchar": str.encode,
    }
)
"""By the type that a parameter is cast to. They raise UnicodeEncodeError (a lone surrogate) and struct.error (too large)."""
