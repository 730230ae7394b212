"""What time it is in the database, without asking each time: what it said last, and the seconds since by a clock that cannot be set."""

from __future__ import annotations

import time

SECONDS = 2.0
"""How long what it said counts: a clock in this process drifts by nothing in that time, and the database's may be set."""

PROMPT = 0.25
"""Seconds within which an answer has to be there for its time to count: nobody knows when in them it was."""


class ServerTime:
    """Safe to share between threads."""

    def __init__(self) -> None:
        self._said: tuple[int, float] | None = None

    def said(self, now: int, *, asked: float, at: float) -> None:
        """It was `now`, in milliseconds, at this moment of `time.monotonic`; the question was sent at `asked`.

        Nothing is known after an answer that took long: behind a lock, or as this process stood still.
        """
        prompt = time.monotonic() - asked <= PROMPT
        self._said = (now, at) if prompt else None

    def forget(self) -> None:
        """Ask again."""
        self._said = None

    def now(self) -> int | None:
        """Database time in milliseconds; None if it has to be asked for."""
        said = self._said
        if said is None:
            return None
        since = time.monotonic() - said[1]
        return said[0] + int(since * 1000) if since <= SECONDS else None
