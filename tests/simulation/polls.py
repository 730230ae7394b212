"""When those who look again and again will next find something. Until then nobody looks: that would be no work, and say nothing."""

from __future__ import annotations

from typing import cast

from engine.app.recover import GENERATION, Recoverer
from engine.app.schedule import LEASE, RECOVER, Scheduler
from tests.simulation.broker import Redis
from tests.simulation.kernel import MS, Kernel
from tests.simulation.memory.tables import Tables


class Polls:
    """Reads what is due from the tables, once after each change. Times of the database in, ticks out."""

    def __init__(self, kernel: Kernel, tables: Tables, redis: Redis) -> None:
        self._kernel = kernel
        self._tables = tables
        self._redis = redis
        self._fresh = False
        self._due: int | None = None

    def changed(self) -> None:
        """Something was written, or the clock was set, or the broker is another one."""
        self._fresh = False
        self._kernel.changed()

    def relay(self) -> int | None:
        """When a message has waited for long enough in the outbox."""
        return self._ticks(self._tables.unpublished())

    def scheduler(self, scheduler: Scheduler) -> int | None:
        """When there is something for who leads; for who does not, when the lead is to be had as well."""
        work = self._work(scheduler)
        return self._ticks(work if work is None or scheduler._leads else max(work, self._lead_ends(scheduler)))

    def _work(self, scheduler: Scheduler) -> int | None:
        if not self._fresh:
            self._due, self._fresh = self._tables.due(), True
        if self._knows_broker(scheduler):
            return self._due
        looks = (scheduler._recovering._last or 0) + RECOVER
        return looks if self._due is None else min(looks, self._due)

    def _knows_broker(self, scheduler: Scheduler) -> bool:
        """Whether it, or who led before, has made up for the memory of the broker that we have now."""
        recoverer = cast("Recoverer", scheduler._recoverer)
        known = recoverer._seen if scheduler._leads else self._tables.marks.get(GENERATION)
        return known == self._redis.generation

    def _lead_ends(self, scheduler: Scheduler) -> int:
        leader, now = self._tables.leader, self._tables.now()
        taken = leader is not None and leader[0] != scheduler._holder and now < leader[1] <= now + 2 * LEASE
        return leader[1] if leader is not None and taken else 0

    def _ticks(self, due: int | None) -> int | None:
        return None if due is None else (due - self._tables.now() + self._kernel.ms) * MS
