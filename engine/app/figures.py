"""What a monitor and an autoscaler want to know, asked of queues and databases when somebody looks; nothing is kept for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFigures:
    """One queue. `oldest` is the age of the oldest message that waits, in milliseconds; None if none waits."""

    queue: str
    waiting: int
    unacknowledged: int
    """Messages that workers have fetched and not yet dealt with."""
    oldest: int | None
    workers: int
    """Processes that read it and give signs of life."""
    threads: int
    """Theirs together. A process that reads several queues counts for each with all its threads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What the instances DB holds that somebody has to do. Ages and lags in milliseconds, 0 if nothing is late."""

    outbox_lag: int
    """For how long the relay could have published the oldest row of the outbox."""
    timers_overdue: int
    """Scopes with due timers, counted up to 10,000."""
    timer_lag: int
    slots_held: int
    slots_awaited: int
    event_waits: int
    """Tasks that wait for an event."""
    events_unrouted: int
    """Events that have not reached everybody yet."""
    deliveries_received: int
    """Deliveries that nobody has decided about yet."""
    approvals_open: int
    approvals_oldest: int
    schedules: int
    schedules_failing: int
    """Those whose last time gave no instance."""
    schedule_lag: int
    leaders: int
    """Schedulers that lead: 1, or 0 if none does."""


class Backlogs(Protocol):
    """Reading the instances DB for a monitor: few rows of indexes, however large its tables are."""

    def read(self) -> Backlog:
        """All of it in one round trip. Raises Unavailable."""
        ...
