"""Statements as the server prepares them: `%(name)b::type` becomes `$1::type`, and the cast says how to encode it."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2s

import psycopg

from engine.adapters.databases.postgres.binary import ENCODERS, Encode

_PARAMETER = re.compile(r"%\((\w+)\)[bs]::(\w+(?:\[\])?)")


@dataclass(frozen=True, slots=True)
class Prepared:
    """`name` is the same for the same text in every process; `parameters` are in the order of `$1`, `$2`."""

    name: bytes
    text: bytes
    parameters: tuple[tuple[str, Encode], ...]

    def values(self, given: Mapping[str, object]) -> list[bytes]:
        """The parameters' values. Raises UnicodeEncodeError (a lone surrogate) and psycopg.DataError (a number too large)."""
        try:
            return [encode(given[key]) for key, encode in self.parameters]
        except struct.error as error:
            raise psycopg.DataError(f"a number is too large: {error}") from error


@cache
def prepared(sql: str) -> Prepared:
    """Of a text of ours, of which there are only so many. Raises KeyError for a cast to a type that nobody encodes."""
    numbers: dict[str, int] = {}
    encoders: list[tuple[str, Encode]] = []

    def numbered(found: re.Match[str]) -> str:
        key, type_ = found.groups()
        if key not in numbers:
            encoders.append((key, ENCODERS[type_.lower()]))
            numbers[key] = len(encoders)
        return f"${numbers[key]}::{type_}"

    text = _PARAMETER.sub(numbered, sql).encode()
    return Prepared(b"headrace_" + blake2s(text, digest_size=8).hexdigest().encode(), text, tuple(encoders))
