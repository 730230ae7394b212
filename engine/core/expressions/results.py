"""What leaves an expression: JSON only, and not too much of it."""

from __future__ import annotations

import math

from engine.core.expressions.budget import NESTING, RESULT_BYTES
from engine.core.expressions.errors import Exhausted, Failure
from engine.core.expressions.inner import Duration, Optional, Timestamp, TypeName
from engine.core.expressions.moments import duration_text, timestamp_text
from engine.core.values import Json

_SMALL = frozenset((bool, int, type(None)))
_OVERHEAD = 2
"""Bytes of quotes, commas, colons and brackets around a value."""


def to_json(value: Json, most: int = RESULT_BYTES) -> Json:
    """`value` as JSON: times and spans become text; raises `Failure` for what JSON lacks, `Exhausted` above `most` bytes."""
    if type(value) in _SMALL:
        return value
    return _Writer(most).write(value, NESTING)


class _Writer:
    __slots__ = ("_left", "_most")

    def __init__(self, most: int) -> None:
        self._left = self._most = most

    def write(self, value: Json, depth: int) -> Json:
        """A copy of `value` as JSON."""
        kind = type(value)
        self._spend(_OVERHEAD)
        if kind in _SMALL:
            return value
        if kind is str:
            self._spend(len(value) if value.isascii() else len(value.encode(errors="surrogatepass")))
            return value
        if kind is float:
            if not math.isfinite(value):
                msg = f"the result is {value}, which JSON cannot carry"
                raise Failure(msg)
            return value
        if depth == 0:
            msg = f"the result nests deeper than {NESTING}"
            raise Failure(msg)
        if kind is list:
            return [self.write(item, depth - 1) for item in value]
        if kind is dict:
            return {self.write(key, depth): self.write(item, depth - 1) for key, item in value.items()}
        return _inner(value)

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            msg = f"the result is larger than {self._most // 1024} KiB"
            raise Exhausted(msg)


def _inner(value: Json) -> Json:
    if type(value) is Timestamp:
        return timestamp_text(value)
    if type(value) is Duration:
        return duration_text(value)
    if type(value) is Optional:
        msg = "the result is an optional; end it with orValue(...)"
        raise Failure(msg)
    if type(value) is TypeName:
        msg = f"the result is the type {value.name!r}; compare it with another type"
        raise Failure(msg)
    msg = "the result is bytes; use string(...) or base64.encode(...)"
    raise Failure(msg)
