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
        self._taken_for: dict[str, str] = {}
        """The messages that leases were taken for, as long as these have not been renewed."""
        self._cancelled: dict[str, float] = {}

    def take(self, key: str, message: str) -> Standing:
        """For whoever fetches a message; "lost" if somebody holds it."""
        now = time.monotonic()
        with self._lock:
            if self._until.get(key, now) > now:
                return "lost"
            standing = self._hold(key, now)
            self._taken_for[key] = message
            return standing

    def put_back(self, key: str, message: str) -> None:
        """Let go of what was taken for this message and has not been renewed."""
        with self._lock:
            if self._taken_for.get(key) == message:
                self._release(key)

    def renew(self, keys: Sequence[str]) -> Sequence[Standing]:
        """Renew or re-create; nobody else can have taken them."""
        now = time.monotonic()
        with self._lock:
            return [self._hold(key, now) for key in keys]

    def release(self, keys: Sequence[str]) -> None:
        """Let go."""
        with self._lock:
            for key in keys:
                self._release(key)

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

    def _release(self, key: str) -> None:
        self._until.pop(key, None)
        self._taken_for.pop(key, None)

    def _hold(self, key: str, now: float) -> Standing:
        self._until[key] = now + self._seconds
        self._taken_for.pop(key, None)
        return "cancelled" if self._cancelled.get(key, now) > now else "ours"
