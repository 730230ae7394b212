"""How long something unavailable is tried again: for ever while the process runs, up to a deadline once it stops."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

import structlog

from engine.errors import Unavailable

FIRST = 0.05
"""Seconds of the first pause; each is twice as long as the one before."""

LONGEST = 2.0
"""Seconds of the longest."""

STOPPING = 0.2
"""Seconds of the longest once the process stops."""

Answer = TypeVar("Answer")

_log = structlog.get_logger(__name__)


class GivenUp(Exception):
    """The process stops and what it needs is still unavailable: what is not acknowledged comes back to another."""


class Patience:
    """Repeats what raises Unavailable."""

    def __init__(self) -> None:
        self._stopping = Event()
        self._deadline = float("inf")

    def end(self, timeout: float) -> None:
        """The process stops: nothing is tried for longer than `timeout` seconds from now."""
        self._deadline = time.monotonic() + timeout
        self._stopping.set()

    def insist(self, what: str, do: Callable[[], Answer]) -> Answer:
        """Call `do` until it is not Unavailable any more. Raises GivenUp, and whatever else `do` raises."""
        tries = 0
        while True:
            try:
                return do()
            except Unavailable as error:
                if tries == 0:
                    _log.warning("trying again until it works", what=what, error=str(error))
                self.pause(tries)
                tries += 1

    def pause(self, tries: int) -> None:
        """Wait after the `tries`-th failure, counted from 0. Raises GivenUp past the deadline."""
        if time.monotonic() >= self._deadline:
            raise GivenUp
        seconds = min(FIRST * 2 ** min(tries, 10), LONGEST)
        if self._stopping.wait(seconds):
            time.sleep(min(seconds, STOPPING))
