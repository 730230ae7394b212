"""Bounded memories, so that the hot path reads once what never changes, and now and then what may."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


FRESH = 0.2
"""Seconds for which a value that may change is believed."""


def _one(_value: object) -> int:
    return 1


class Recent(Generic[Value]):
    """The values used last, at most `limit` of them, or as many as `weigh` no more than `limit` together.

    Safe to share between threads. A value that alone weighs more than the limit is not kept.
    """

    def __init__(self, limit: int, *, weigh: Callable[[Value], int] = _one) -> None:
        self._limit = limit
        self._weigh = weigh
        self._values: OrderedDict[str, tuple[Value, int]] = OrderedDict()
        self._weight = 0
        self._lock = Lock()

    def get(self, key: str) -> Value | None:
        """The value kept under this key, now the one used last; None if it is not (or no longer) kept."""
        with self._lock:
            entry = self._values.get(key)
            if entry is None:
                return None
            self._values.move_to_end(key)
            return entry[0]

    def put(self, key: str, value: Value) -> None:
        """Keep a value; those used longest ago make room."""
        weight = self._weigh(value)
        with self._lock:
            self._forget(key)
            self._values[key] = value, weight
            self._weight += weight
            while self._weight > self._limit:
                self._forget(next(iter(self._values)))

    def forget(self, key: str) -> None:
        """Keep nothing under this key."""
        with self._lock:
            self._forget(key)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)

    def _forget(self, key: str) -> None:
        entry = self._values.pop(key, None)
        if entry is not None:
            self._weight -= entry[1]


class Fresh(Generic[Value]):
    """Values that may change: one that was read a moment ago is believed, so that a burst reads it once. Safe to share between threads."""

    def __init__(self, limit: int) -> None:
        self._read: Recent[tuple[float, Value]] = Recent(limit)

    def get(self, key: str, read: Callable[[str], Value]) -> Value:
        """The value under this key. Raises what `read` raises."""
        now = time.monotonic()
        kept = self._read.get(key)
        if kept is not None and now - kept[0] <= FRESH:
            return kept[1]
        value = read(key)
        self._read.put(key, (now, value))
        return value
