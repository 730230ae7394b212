"""The entries of `on.schedule` of all active workflows, and what they will do next."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import orjson
import structlog

from engine.app.cron import upcoming
from engine.app.ports import Clock, DefinitionStore
from engine.app.trigger_ports import ScheduleRow, Schedules
from engine.app.triggers import Triggers
from engine.app.versions import Version
from engine.core.expressions.model import Expression, ListOf, Literal, MapOf, Template, Text
from engine.core.model import ScheduleTrigger
from engine.core.values import Json
from engine.errors import Malformed

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """A version and its entries, each by its hash; None if it was compiled by a newer engine."""

    version: Version
    entries: Mapping[str, ScheduleTrigger] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One entry as people see it. `upcoming` and `row.last_at` in milliseconds."""

    entry: ScheduleTrigger
    row: ScheduleRow
    upcoming: tuple[int, ...]


class Timetable:
    """Reads definitions once. Safe to share between threads: what is read twice is the same."""

    def __init__(self, *, definitions: DefinitionStore, schedules: Schedules, triggers: Triggers, clock: Clock) -> None:
        self._definitions = definitions
        self._schedules = schedules
        self._triggers = triggers
        self._clock = clock
        self._known: dict[str, Scheduled] = {}

    def read(self) -> list[Scheduled]:
        """By workflow."""
        known = self._known
        listeners = self._definitions.listeners("schedule")
        self._known = {one.version: known.get(one.version) or self._scheduled(one.version) for one in listeners}
        return list(self._known.values())

    def planned(self, workflow: str | None = None, *, number: int = 5) -> list[Planned]:
        """The entries, in the order of their workflows and of their files, with the next times of each."""
        rows = {(row.workflow, row.entry): row for row in self._schedules.all()}
        now = self._clock.now()
        return [
            _planned(entry, rows.get((name, key)) or ScheduleRow(workflow=name, entry=key, next_at=None), now, number)
            for scheduled in self.read()
            if (name := scheduled.version.workflow) and workflow in (None, name)
            for key, entry in (scheduled.entries or {}).items()
        ]

    def _scheduled(self, id: str) -> Scheduled:
        version = self._definitions.version(id)
        try:
            entries = self._triggers.definition(version).schedules
        except Malformed as error:
            _log.error("schedules cannot be read", workflow=version.workflow, error=error.detail)
            return Scheduled(version=version, entries=None)
        return Scheduled(version=version, entries={entry_hash(entry): entry for entry in entries})


def entry_hash(entry: ScheduleTrigger) -> str:
    """What makes an entry itself: when it is due and what it gives. Where it stands in the file, and how it overlaps, does not."""
    made_of = [entry.cron, entry.timezone, _written(entry.inputs)]
    return hashlib.sha256(orjson.dumps(made_of, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def _planned(entry: ScheduleTrigger, row: ScheduleRow, now: int, number: int) -> Planned:
    try:
        times = upcoming(entry.cron, entry.timezone, after=now, number=number)
    except ValueError:  # said in the row's error
        times = []
    return Planned(entry=entry, row=row, upcoming=tuple(times))


def _written(template: Template) -> Json:
    """A template as it was written, without positions."""
    match template:
        case Literal():
            return ["=", template.value]
        case Expression():
            return ["$", template.source]
        case Text():
            return ["t", *(part if isinstance(part, str) else ["$", part.source] for part in template.parts)]
        case ListOf():
            return ["l", *(_written(item) for item in template.items)]
        case MapOf():
            return ["m", *([key, _written(item)] for key, item in template.items)]
