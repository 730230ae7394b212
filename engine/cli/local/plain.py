"""A run told by lines below each other, for logs and terminals that cannot draw: `12:00:01 build started`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from engine.app.read import TaskView
from engine.app.records import LogLine
from engine.cli.local import printable
from engine.cli.local.out import Line, Out
from engine.cli.local.watch import Look, Row, Seen, folded, rows
from engine.cli.local.words import meanwhile, outcome, took, why
from engine.core.state import ACTIVE

COUNT_EVERY = 10_000
"""Milliseconds between two lines about how far many items are."""
QUIET_KINDS = frozenset({"switch", "values", "fail", "exit"})
"""Of these only the end is worth a line."""
WAITING_KINDS = frozenset({"approval", "event", "wait"})
"""Of these it is worth a line that they wait."""

STARTED, PRINTED, ENDED = range(3)
"""The order of what a task does in one moment. Of several tasks, one follows those it needs, and ends after those within it."""
News: TypeAlias = tuple[int, int, str]
"""When, in which order, what."""

Asks = Callable[[Seen, TaskView], str]
"""What an approval that waits says: whom it asks what."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What was last told of a task."""

    state: str = "pending"
    attempt: int = 0
    undone: bool = False
    counted_at: int = 0


class Plain:
    """Implements Progress by lines below each other, each with its time and task: `12:00:01 build started`."""

    def __init__(self, out: Out, asks: Asks) -> None:
        self._out = out
        self._asks = asks
        self._known: dict[tuple[str, str], _Known] = {}
        self._labels: dict[str, str] = {}

    def update(self, look: Look, logs: Sequence[LogLine]) -> None:
        """Tell what is new, in the order in which it happened."""
        every = list(rows(look.run))
        places = {(row.seen.instance.id, row.view.path): place for place, row in enumerate(every)}
        told: list[tuple[int, int, int, str]] = []
        for place, row in enumerate(every):
            self._labels[row.seen.instance.id] = row.seen.label
            for at, order, text in self._news(row.seen, row.view):
                told.append((at, _last_within(every, place) if order == ENDED else place, order, f"{row.name} {text}"))
        for log in logs:
            place = places.get((log.instance, log.path), len(every))
            told.append((log.at, place, PRINTED, f"{self._task(log)} | {printable.line(log.text)}"))
        for at, _, _, text in sorted(told, key=lambda one: one[:3]):
            self._line(at, text)

    def say(self, *lines: Line) -> None:
        """Each with the time."""
        for line in lines:
            self._line(int(time.time() * 1000), "".join(text for text, _ in line))

    def close(self) -> None:
        """Nothing is left open."""

    def _line(self, at: int, text: str) -> None:
        self._out.text(f"{time.strftime('%H:%M:%S', time.localtime(at / 1000))} {text}")

    def _task(self, log: LogLine) -> str:
        label = self._labels.get(log.instance)
        return f"{log.instance[-12:] if label is None else label} > {log.path}" if label != "" else log.path

    def _news(self, seen: Seen, view: TaskView) -> Iterator[News]:
        key = (seen.instance.id, view.path)
        before, now = self._known.get(key, _Known()), _Known(view.state, view.attempt, view.undone)
        if view.finished_at is not None:
            if (before.state, before.undone) != (now.state, now.undone):
                self._known[key] = now
                yield from self._ended(view, before)
        elif view.state in ACTIVE:
            yield from self._active(seen, view, before, key)

    def _ended(self, view: TaskView, before: _Known) -> Iterator[News]:
        at = view.finished_at or 0
        loud = view.kind not in QUIET_KINDS and view.state != "skipped"
        if before.state == "pending" and view.began_at is not None and loud:
            yield view.began_at, STARTED, _started(view)
        spent = took(view) if loud else ""
        reason = why(view)
        attempt = f", attempt {view.attempt}" if view.attempt > 1 else ""
        said = (outcome(view), f" in {spent}" if spent else "", attempt, f": {reason}" if reason else "")
        yield at, ENDED, "".join(said)

    def _active(self, seen: Seen, view: TaskView, before: _Known, key: tuple[str, str]) -> Iterator[News]:
        self._known[key] = replace(before, state=view.state, attempt=view.attempt)
        began = view.began_at or seen.instance.started_at
        if view.state == "waiting" and (view.kind in WAITING_KINDS or view.gate or view.error):
            if before.state != "waiting":
                yield from self._waits(seen, view, before, began)
        elif before.state == "pending" and view.kind not in QUIET_KINDS:
            yield began, STARTED, _started(view)
        elif view.attempt > max(before.attempt, 1):
            yield view.started_at or int(time.time() * 1000), STARTED, f"started again, attempt {view.attempt}"
        if view.path in folded((view,)):
            yield from self._count(view, key)

    def _waits(self, seen: Seen, view: TaskView, before: _Known, began: int) -> Iterator[News]:
        if view.kind == "approval":
            yield began, STARTED, self._asks(seen, view)
        elif view.error:
            if before.state == "pending":
                yield began, STARTED, "started"
            yield int(time.time() * 1000), STARTED, f"failed, and is tried again: {why(view)}"
        else:
            yield began, STARTED, meanwhile(view) or "waits"

    def _count(self, view: TaskView, key: tuple[str, str]) -> Iterator[News]:
        """How far many items are, now and then."""
        at, known = int(time.time() * 1000), self._known[key]
        if at - known.counted_at >= COUNT_EVERY:
            self._known[key] = replace(known, counted_at=at)
            if known.counted_at:
                yield at, STARTED, meanwhile(view)


def _started(view: TaskView) -> str:
    if view.items is None:
        return "started"
    return "started: 1 item" if view.items["total"] == 1 else f"started: {view.items['total']:,} items"


def _last_within(every: Sequence[Row], place: int) -> int:
    """The place of the last task that is within the one at this place; its own if there is none."""
    last = place
    while last + 1 < len(every) and every[last + 1].depth > every[place].depth:
        last += 1
    return last
