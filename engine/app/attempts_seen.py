"""The attempts of a task as its history tells them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from engine.app.ports import InstanceReader
from engine.app.records import HistoryRow
from engine.core.state import TaskError

ENDS = {
    "TaskSucceeded": "succeeded",
    "TaskFailed": "failed",
    "TaskCancelled": "cancelled",
    "AttemptLost": "lost",
    "EventReceived": "received",
}
PAGE, MOST = 500, 5_000
"""Events of a scope that are read at once, and in all: a scope with a large fan-out has one for each item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptSeen:
    """One attempt. A worker tells of a start only after a second, so a short one has no `started_at`.

    `end`: how it ended; None for one that has not, or was ended by something else than its worker.
    """

    number: int
    started_at: int | None = None
    ended_at: int | None = None
    end: str | None = None
    worker: str = ""
    error: TaskError | None = None


def attempts(reader: InstanceReader, instance: str, scope: str, task: str) -> tuple[AttemptSeen, ...]:
    """The attempts of a task that its history knows of, by number."""
    return fold(_rows(reader, instance, scope), task)


def fold(rows: Iterable[HistoryRow], task: str) -> tuple[AttemptSeen, ...]:
    """The attempts that these events tell of. What came too late to count is left out."""
    found: dict[int, AttemptSeen] = {}
    for row in rows:
        event = row.event
        if not row.accepted or event.get("task") != task or "attempt" not in event:
            continue
        seen = found.get(event["attempt"], AttemptSeen(number=event["attempt"]))
        found[event["attempt"]] = _with(seen, row)
    return tuple(found[number] for number in sorted(found))


def _with(seen: AttemptSeen, row: HistoryRow) -> AttemptSeen:
    kind = row.event["type"]
    if kind == "TaskStarted":
        return replace(seen, started_at=row.at, worker=row.event.get("worker", ""))
    if kind == "ChildEnded":
        return replace(seen, ended_at=row.at, end=row.event["outcome"], error=row.event.get("error"))
    if kind in ENDS and not row.event.get("taken"):
        return replace(seen, ended_at=row.at, end=ENDS[kind], error=row.event.get("error"))
    return seen


def _rows(reader: InstanceReader, instance: str, scope: str) -> Iterator[HistoryRow]:
    after, read = 0, 0
    while read < MOST:
        rows = reader.history(instance, after=after, limit=PAGE, scope=scope)
        yield from rows
        if len(rows) < PAGE:
            return
        after, read = rows[-1].seq, read + len(rows)
