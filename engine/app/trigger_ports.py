"""What triggers other than webhooks need to be kept: ports, and rows as the use cases see them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """An instance that became final and that nobody has looked at since. `seq` tells one end from another after a retry."""

    instance: str
    seq: int
    workflow: str
    state: str
    """How it ended then; a retry may have reopened it since."""
    last: bool
    """It had not ended again when this was read."""
    finished_at: int | None
    """When the instance had ended when this was read: None while it is open again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRow:
    """How far an entry of `on.schedule` has come. Times in milliseconds."""

    workflow: str
    entry: str
    """A hash of what makes the entry itself."""
    next_at: int | None
    """None for a cron expression that has no more times."""
    last_at: int | None = None
    """The time that was dealt with last, whether an instance came of it or not."""
    last_instance: str | None = None
    pending_at: int | None = None
    """The time whose instance starts when `last_instance` has ended."""
    error: str | None = None
    """Why the time dealt with last gave no instance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the scheduler sees at a glance: the time of the database, and whether there is something of these to do."""

    now: int
    timers: bool
    events: bool
    """Events that have not reached everybody."""
    workflows: bool
    """Ends that nobody has dealt with."""
    schedules: bool


class Ends(Protocol):
    """Instances that have ended, for the scheduler that leads. Rows stay until they are forgotten, so none is missed."""

    def read(self, limit: int = 500) -> Sequence[End]:
        """Some of them; those of instances that were pruned meanwhile are left out."""
        ...

    def forget(self, ends: Collection[End]) -> None:
        """They have been dealt with. Each is counted (`InstanceReader.ended`) as its row goes, once."""
        ...


class Schedules(Protocol):
    """How far the entries of `on.schedule` have come."""

    def all(self) -> Sequence[ScheduleRow]:
        """By workflow and entry."""
        ...

    def put(self, row: ScheduleRow) -> None: ...

    def forget(self, row: ScheduleRow) -> None:
        """Its entry is no more."""
        ...
