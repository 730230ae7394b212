"""What becomes of schedules: which times come, go, or move."""

from __future__ import annotations

from collections.abc import Iterator

from engine.app.cron import upcoming
from engine.app.plan.model import Change, Runs, ScheduleChange
from engine.app.plan.snapshot import Snapshot
from engine.app.plan.triggers import pairs
from engine.app.triggers import rfc3339
from engine.core.model import ScheduleTrigger

SHOWN = 3
"""Times of each schedule."""


def schedule_changes(before: Snapshot, after: Snapshot, *, now: int) -> Iterator[ScheduleChange]:
    """The entries that come at other times than before, by workflow; `now` in milliseconds."""
    for name in sorted((before.workflows.keys() | after.workflows.keys()) - before.hidden - after.hidden):
        then, later = before.workflows.get(name), after.workflows.get(name)
        entries = pairs(then.definition.schedules if then else (), later.definition.schedules if later else ())
        for one, other in entries:
            if one is None or other is None or (one.cron, one.timezone) != (other.cron, other.timezone):
                yield _change(name, one, other, now)


def _change(name: str, one: ScheduleTrigger | None, other: ScheduleTrigger | None, now: int) -> ScheduleChange:
    kind: Change = "added" if one is None else "removed" if other is None else "changed"
    return ScheduleChange(workflow=name, change=kind, before=_runs(one, now), after=_runs(other, now))


def _runs(entry: ScheduleTrigger | None, now: int) -> Runs | None:
    if entry is None:
        return None
    try:
        times = upcoming(entry.cron, entry.timezone, after=now, number=SHOWN)
    except ValueError:  # a zone that the server knows, and this machine does not
        times = []
    return Runs(cron=entry.cron, timezone=entry.timezone, next=tuple(map(rfc3339, times)))
