"""Starts what `on.schedule` asks for. Runs in the scheduler that leads; two that both believe so start nothing twice.

How far each entry has come is a row. A start is named by its entry and the time it was due at, so that a crash between the
start and the row repeats nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from engine.app.cron import past, upcoming
from engine.app.ports import InstanceReader, Recovery
from engine.app.records import FINAL
from engine.app.services import Canceller
from engine.app.start import Starter
from engine.app.timetable import Scheduled, Timetable
from engine.app.trigger_ports import ScheduleRow, Schedules
from engine.app.triggers import Refusal, Triggers, rfc3339
from engine.app.versions import Version
from engine.core.model import ScheduleTrigger
from engine.core.values import JsonObject
from engine.errors import Conflict, NotFound, Unavailable

GRACE = 60_000
"""Milliseconds for which the newest missed time counts whatever `catch_up` says: a scheduler may be restarted meanwhile."""

AT_ONCE = 100
"""Entries that are dealt with in one round: a leader has to say that it still leads."""

MOST = 100
"""Missed times that are made up for where `overlap` is `allow`."""

STARTER = "schedule:"
"""What stands before the cron expression in the name of who started an instance."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    version: Version
    name: str
    trigger: ScheduleTrigger
    now: int


class ScheduledStarts:
    """Looks which entries are due and starts their workflows."""

    def __init__(
        self,
        *,
        timetable: Timetable,
        schedules: Schedules,
        reader: InstanceReader,
        recovery: Recovery,
        starter: Starter,
        triggers: Triggers,
        canceller: Canceller,
    ) -> None:
        self._timetable = timetable
        self._schedules = schedules
        self._reader = reader
        self._recovery = recovery
        self._starter = starter
        self._triggers = triggers
        self._canceller = canceller

    def run_once(self) -> int:
        """One look at all entries; returns for how many something was to be done. Raises Unavailable."""
        rows = {(row.workflow, row.entry): row for row in self._schedules.all()}
        live = self._timetable.read()
        self._forget(rows, live)
        now = self._recovery.now()
        done = 0
        for scheduled in live:
            for name, trigger in (scheduled.entries or {}).items():
                entry = _Entry(version=scheduled.version, name=name, trigger=trigger, now=now)
                done += self._look(entry, rows.get((scheduled.version.workflow, name)))
                if done >= AT_ONCE:  # the others are due in the next round still
                    return done
        return done

    def _forget(self, rows: Mapping[tuple[str, str], ScheduleRow], live: Sequence[Scheduled]) -> None:
        """Entries that are no more. Those of a version that cannot be read may still be there."""
        kept = {(one.version.workflow, name) for one in live for name in one.entries or ()}
        unread = {one.version.workflow for one in live if one.entries is None}
        for key, row in rows.items():
            if key not in kept and row.workflow not in unread:
                self._schedules.forget(row)

    def _look(self, entry: _Entry, row: ScheduleRow | None) -> bool:
        """Whether there was something to do for an entry. One that makes trouble does not keep the others from being looked at."""
        if row is None:  # counts from now on
            self._schedules.put(
                _onwards(entry, ScheduleRow(workflow=entry.version.workflow, entry=entry.name, next_at=None))
            )
            return False
        if row.pending_at is None and row.next_at is not None and row.next_at > entry.now:
            return False
        try:
            after = self._due(entry, self._pending(entry, row))
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - see above
            _log.exception("a schedule cannot be kept", workflow=row.workflow, cron=entry.trigger.cron)
            after = _onwards(entry, replace(row, last_at=row.next_at, pending_at=None, error=repr(error)))
        if after == row:
            return False
        self._schedules.put(after)
        return True

    def _pending(self, entry: _Entry, row: ScheduleRow) -> ScheduleRow:
        """Start what waited for the instance before, if that has ended."""
        if row.pending_at is None or self._overlaps(entry, row):
            return row
        return self._start(entry, row, row.pending_at)

    def _due(self, entry: _Entry, row: ScheduleRow) -> ScheduleRow:
        if row.next_at is None:  # no more times, or the leader before knew less of zones
            found = _onwards(entry, row)
            return found if found.next_at is None else replace(found, error=None)
        if row.next_at > entry.now:
            return row
        times = _missed(entry, row.next_at)
        if not times:
            row = _nothing(entry, row, row.next_at, "missed: no scheduler ran, and `catch_up` does not reach back")
        for at in times:
            row = self._fire(entry, row, at)
        return _onwards(entry, row)

    def _fire(self, entry: _Entry, row: ScheduleRow, at: int) -> ScheduleRow:
        """One time that is due."""
        if not self._overlaps(entry, row):
            return self._start(entry, row, at)
        if entry.trigger.overlap == "skip":
            return _nothing(
                entry, row, at, f"skipped: {row.last_instance}, the instance of the time before, had not ended"
            )
        if entry.trigger.overlap == "cancel" and row.pending_at is None and row.last_instance:
            try:
                self._canceller.cancel(row.last_instance, by=_starter(entry), reason="the next run is due")
            except (Conflict, NotFound):  # it has ended meanwhile
                return self._start(entry, row, at)
        return replace(row, last_at=at, pending_at=at, error=None)

    def _start(self, entry: _Entry, row: ScheduleRow, at: int) -> ScheduleRow:
        """Start the instance of a time, or find the one that was started for it."""
        key = _start_key(entry, at)
        first = self._reader.by_start_key(key)
        if first is None:
            offered = self._triggers.offer(
                entry.version, entry.trigger, _trigger(entry, at), by=_starter(entry), start_key=key
            )
            if isinstance(offered, Refusal):
                return _nothing(entry, replace(row, pending_at=None), at, offered.reason)
            try:
                self._starter.commit([offered])
            except Conflict:
                first = self._reader.by_start_key(key)
                if first is None:
                    raise
            else:
                _log.info("schedule started", workflow=row.workflow, cron=entry.trigger.cron, instance=offered.id)
                return replace(row, last_at=at, last_instance=offered.id, pending_at=None, error=None)
        return replace(row, last_at=at, last_instance=first.id, pending_at=None, error=None)

    def _overlaps(self, entry: _Entry, row: ScheduleRow) -> bool:
        if entry.trigger.overlap == "allow" or row.last_instance is None:
            return False
        try:
            return self._reader.get(row.last_instance).state not in FINAL
        except NotFound:  # pruned
            return False


def _missed(entry: _Entry, first: int) -> Sequence[int]:
    """The times from `first`, which is due, until now, as far as they still count."""
    trigger = entry.trigger
    number = MOST if trigger.overlap == "allow" and trigger.catch_up else 1
    since = max(first, entry.now - max(trigger.catch_up, GRACE))
    try:
        return past(trigger.cron, trigger.timezone, since=since, until=entry.now, number=number)
    except ValueError:  # as below; of this time somebody knew
        return [first] if first >= since else []


def _nothing(entry: _Entry, row: ScheduleRow, at: int, reason: str) -> ScheduleRow:
    """A time that gave no instance."""
    _log.warning(
        "schedule started nothing", workflow=row.workflow, cron=entry.trigger.cron, at=rfc3339(at), reason=reason
    )
    return replace(row, last_at=at, error=reason)


def _onwards(entry: _Entry, row: ScheduleRow) -> ScheduleRow:
    """The same row, waiting for the first time after now."""
    try:
        times = upcoming(entry.trigger.cron, entry.trigger.timezone, after=entry.now)
    except ValueError as error:  # a zone that the machine which loaded the file knows, and this one does not
        if row.error != str(error):
            _log.error("schedule cannot be kept", workflow=row.workflow, error=str(error))
        return replace(row, next_at=None, error=str(error))
    return replace(row, next_at=times[0] if times else None)


def _start_key(entry: _Entry, at: int) -> str:
    return f"schedule:{entry.version.workflow}:{entry.name}:{rfc3339(at)}"


def _starter(entry: _Entry) -> str:
    return STARTER + entry.trigger.cron


def _trigger(entry: _Entry, at: int) -> JsonObject:
    return {
        "source": "schedule",
        "event": entry.trigger.cron,
        "headers": {},
        "body": {},
        "id": _start_key(entry, at),
        "scheduled_at": rfc3339(at),
        "received_at": rfc3339(entry.now),
    }
