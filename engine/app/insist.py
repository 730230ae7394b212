"""Tries again while a store is out of reach: what a task did in an hour must not be lost to a second without a database."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from time import monotonic
from typing import TypeVar

from engine.app.kinds import Stopped
from engine.errors import Unavailable

Result = TypeVar("Result")

PATIENCE = 60.0
"""Seconds until it is given up."""
FIRST, LAST = 0.1, 2.0
"""Seconds between two tries."""


def insist(act: Callable[[], Result], stop: Event) -> Result:
    """What `act` returns. Raises what it raises, Unavailable only once the time is over; Stopped."""
    until, pause = monotonic() + PATIENCE, FIRST
    while True:
        try:
            return act()
        except Unavailable:
            if monotonic() + pause > until:
                raise
        if stop.wait(pause):
            raise Stopped
        pause = min(pause * 2, LAST)
