"""Virtual time: what was put off and the timers of scopes, taken in their order. Nothing here takes any real time."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

from engine.core.state import ScopeState

Act = Callable[[], None]
Place = tuple[str, str]
"""An instance and the path of one of its scopes."""

BACKSTOPS = frozenset({"check", "gate", "slot"})
"""Timers that ask again for what was lost on its way. Nothing is lost here, so they never come due."""


class Clock:
    """`ring` is called with the place whose timer is due. What happens by itself comes before timers of the same moment."""

    def __init__(self, now: int, ring: Callable[[Place], None]) -> None:
        self.now = now
        self._ring = ring
        self._count = 0
        self._acts: list[tuple[int, int, Act]] = []
        self._timers: list[tuple[int, int, Place]] = []
        self._due: dict[Place, int] = {}

    def put(self, after: int, act: Act) -> None:
        """Do this in so many milliseconds, behind all that was put there before."""
        self._count += 1
        heappush(self._acts, (self.now + after, self._count, act))

    def watch(self, place: Place, due: int | None) -> None:
        """The earliest timer of a scope is due then, or it has none."""
        if due == self._due.get(place):
            return
        if due is None:
            del self._due[place]
            return
        self._count += 1
        self._due[place] = due
        heappush(self._timers, (due, self._count, place))

    def next_at(self) -> int | None:
        """When the next thing happens; None if nothing ever will."""
        while self._timers and self._due.get(self._timers[0][2]) != self._timers[0][0]:
            heappop(self._timers)
        times = [queue[0][0] for queue in (self._acts, self._timers) if queue]
        return min(times, default=None)

    def step(self) -> None:
        """Let it happen. `next_at` has said that there is something."""
        if self._acts and (not self._timers or self._acts[0][0] <= self._timers[0][0]):
            at, _, act = heappop(self._acts)
            self.now = max(self.now, at)
            act()
            return
        at, _, place = heappop(self._timers)
        del self._due[place]
        self.now = max(self.now, at)
        self._ring(place)


def next_due(state: ScopeState) -> int | None:
    """When the earliest timer of a scope is due, backstops left out."""
    found: int | None = None
    for holder in (state, *state["tasks"].values()):
        timers = holder.get("timers")
        if timers:
            for name, at in timers.items():
                if name not in BACKSTOPS and (found is None or at < found):
                    found = at
    return found
