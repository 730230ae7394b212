"""Leases of a single process, in a dictionary."""

from __future__ import annotations

import time
from collections.abc import Sequence
from threading import Lock

from engine.adapters.broker.transport import CANCEL_SECONDS
from engine.app.ports import Standing


class MemoryLeases:
    """`Leases` in a dictionary, running out by the monotonic clock."""

    def __init__(self, *, ms: int) -> None:
        self._seconds = ms / 1000
        self._lock = Lock()
        self._until: dict[str, float] = {}
        self._cancelled: dict[str, float] = {}

    def take(self, keys: Sequence[str]) -> Sequence[Standing]:
        """Each that nobody holds."""
        now = time.monotonic()
        with self._lock:
            return [self._take(key, now) for key in keys]

    def renew(self, keys: Sequence[str]) -> Sequence[Standing]:
        """Renew or re-create; nobody else can have taken them."""
        now = time.monotonic()
        with self._lock:
            return [self._hold(key, now) for key in keys]

    def release(self, keys: Sequence[str]) -> None:
        """Let go."""
        with self._lock:
            for key in keys:
                self._until.pop(key, None)

    def held(self, keys: Sequence[str]) -> Sequence[bool]:
        """Whether somebody is at work."""
        now = time.monotonic()
        with self._lock:
            return [self._until.get(key, now) > now for key in keys]

    def cancel(self, keys: Sequence[str]) -> None:
        """Ask the holders to stop."""
        if not keys:
            return
        now = time.monotonic()
        with self._lock:
            self._cancelled = {key: until for key, until in self._cancelled.items() if until > now}
            self._cancelled.update(dict.fromkeys(keys, now + CANCEL_SECONDS))

    def _take(self, key: str, now: float) -> Standing:
        return "lost" if self._until.get(key, now) > now else self._hold(key, now)

    def _hold(self, key: str, now: float) -> Standing:
        self._until[key] = now + self._seconds
        return "cancelled" if self._cancelled.get(key, now) > now else "ours"
