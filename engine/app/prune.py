"""Throws away what ended long ago, a small batch at a time, so that live work always comes first. Runs in the scheduler that leads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import structlog

from engine.app.ports import Clock
from engine.app.retention_ports import LetGo, Place, Retention
from engine.errors import Unavailable

HOUR = 60 * 60 * 1000
DAY = 24 * HOUR

SHORTEST = HOUR
"""Milliseconds for which every ended instance is kept: a repeated start, message or delivery must still find it."""

INSTANCES = 100
ROWS = 2_000
OTHERS = 100
"""What goes in one transaction: instances, rows that they leave, and of each other thing."""

SHARE = 0.2
"""Of the time that pruning may take: a batch is followed by a rest four times as long."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """What is kept: milliseconds after the end, and of each workflow at most so many instances (0: any number)."""

    age: int = 90 * DAY
    newest: int = 0

    @classmethod
    def of(cls, *, days: float, newest: int) -> Keep:
        """As settings say it."""
        return cls(age=int(days * DAY), newest=newest)


class Pruner:
    """Goes through everything that is old, round after round. For one thread."""

    def __init__(
        self, *, retention: Retention, clock: Clock, keep: Keep, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._retention = retention
        self._clock = clock
        self._keep = keep
        self._monotonic = monotonic
        self._round: Iterator[int] | None = None
        self._rests_until = monotonic()
        self.gone = 0
        """Instances that went since this was made."""
        self._looked = 0
        """How many had gone when definitions were looked for."""

    def run_once(self) -> int:
        """One batch of the round, or nothing during a rest; returns 0 when the round is over. Raises Unavailable.

        A round that fails, or whose process dies, is followed by one that starts over: nothing is half gone for long.
        """
        began = self._monotonic()
        if began < self._rests_until:
            return 1
        steps, self._round = self._round or self._steps(), None
        done = next(steps, 0)
        if done:
            self._round = steps
        self._rests_until = began + (self._monotonic() - began) / SHARE
        return done

    def _steps(self) -> Iterator[int]:
        now = self._clock.now()
        before = now - max(self._keep.age, SHORTEST)
        gone, others = self.gone, 0
        yield from self._sweep()  # what a crash left
        for batch in self._batches(now, before):
            self.gone += batch.gone
            swept = self._retention.sweep(ROWS)
            yield batch.seen
            if swept >= ROWS:  # large ones: the rest by and by
                yield from self._sweep()
        while count := self._retention.forget(before=before, limit=OTHERS):
            others += count
            yield count
        if self.gone > gone or others:
            _log.info("pruned", instances=self.gone - gone, others=others, took_ms=self._clock.now() - now)
        self._forget_definitions()

    def _forget_definitions(self) -> None:
        """A backup may hold the table for long: then next time."""
        if self._looked == self.gone:
            return
        try:
            self._retention.forget_definitions()
        except Unavailable as error:
            _log.warning("definitions wait to be thrown away", error=str(error))
        else:
            self._looked = self.gone

    def _batches(self, now: int, before: int) -> Iterator[LetGo]:
        def by_age(after: Place | None) -> LetGo:
            return self._retention.let_go(ended_before=before, after=after, limit=INSTANCES)

        yield from _through(by_age)
        workflow = self._retention.next_workflow("") if self._keep.newest else None
        while workflow is not None:
            yield from _through(self._beyond(workflow, now - SHORTEST))
            workflow = self._retention.next_workflow(workflow)

    def _beyond(self, workflow: str, before: int) -> Callable[[Place | None], LetGo]:
        def beyond(after: Place | None) -> LetGo:
            newest = self._keep.newest
            return self._retention.let_go_beyond(workflow, newest, ended_before=before, after=after, limit=INSTANCES)

        return beyond

    def _sweep(self) -> Iterator[int]:
        while swept := self._retention.sweep(ROWS):
            yield swept
            if swept < ROWS:
                return


def _through(look: Callable[[Place | None], LetGo]) -> Iterator[LetGo]:
    """Batch after batch, from each on to where it got to."""
    last: Place | None = None
    while True:
        batch = look(last)
        if batch.seen:
            yield batch
        if batch.last is None:
            return
        last = batch.last
