"""A run as a tree that moves: what runs with its last lines, what went wrong, and as much of the rest as there is room for."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

from engine.app.records import LogLine
from engine.cli.local.out import Line, Out
from engine.cli.local.plain import Asks
from engine.cli.local.progress import Tails
from engine.cli.local.screen import Screen
from engine.cli.local.watch import Look, Row, rows
from engine.cli.local.words import sign, took, why
from engine.core.state import ACTIVE
from engine.web.nesting import BAD
from engine.web.states import tone, words
from engine.web.times import duration

WIDEST_NAME = 40
MOST_LINES = 6
"""Log lines that are shown of one task."""
RUNS, AROUND, LAST, TOP, WITHIN, PENDING, MORE = range(7)
"""What there is room for first: what runs or went wrong, what it is within, its last line, tasks of the run itself, others
that have ended, those to come, more of the log."""
CONTAINERS = frozenset({"group", "for_each", "repeat", "workflow"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A line that may be shown; of one rank those that are newer before others. `row` is none for a line of a log."""

    rank: int
    since: int
    line: Line
    row: Row | None


class Tree:
    """Implements Progress on a terminal that can be drawn on. `threads`: how many tasks run at once."""

    def __init__(self, out: Out, tails: Tails, asks: Asks, *, threads: int) -> None:
        self._out = out
        self._threads = threads
        self._screen = Screen(out)
        self._tails = tails
        self._asks = asks
        self._asked: dict[tuple[str, str, int], str] = {}

    def update(self, look: Look, _logs: Sequence[LogLine]) -> None:
        """Draw it anew."""
        self._screen.draw(self.frame(look, int(time.time() * 1000), self._out.height() - 2))

    def say(self, *lines: Line) -> None:
        """Above the tree, where it stays."""
        self._screen.above(lines)

    def close(self) -> None:
        """Take the tree away."""
        self._screen.clear()

    def frame(self, look: Look, now: int, height: int) -> list[Line]:
        """The lines of one picture, `height` of them at most."""
        every = list(rows(look.run, also=ACTIVE))
        names = [_indented(every, place) for place in range(len(every))]
        widest = min(max(map(cell_len, names), default=0), WIDEST_NAME)
        crowded = sum(_is_busy(row) for row in every) > self._threads
        entries = [
            entry
            for row, name in zip(every, names, strict=True)
            for entry in self._entries(row, set_cell_size(name, widest), now, crowded=crowded)
        ]
        room = max(height - 1, 1)
        left_out: list[_Entry] = []
        if len(entries) > room:
            first = sorted(range(len(entries)), key=lambda at: (entries[at].rank, -entries[at].since))
            kept = frozenset(first[: room - 1])
            left_out = [entry for at, entry in enumerate(entries) if at not in kept]
            entries = [entry for at, entry in enumerate(entries) if at in kept]
        lines = [entry.line for entry in entries]
        more = [entry.row for entry in left_out if entry.row is not None]
        if more:
            lines.append(((f"  … {_counted(more)}", "calm"),))
        return [*lines, _foot(look, every, now)]

    def _entries(self, row: Row, name: str, now: int, *, crowded: bool) -> Iterator[_Entry]:
        view, busy = row.view, _is_busy(row)
        # That a task has begun is said only after a second, so one that nothing keeps from running does run.
        state = "running" if view.state == "queued" and not crowded and view.gate is None else view.state
        said = ["", ""] if state == "pending" else [words(state), took(view, now), self._why(row)]
        line: Line = (
            (f"{sign(state)} ", tone(state)),
            (name, "calm" if state == "pending" else ""),
            *((f"  {each}", tone(state) if each is said[0] else "calm") for each in said if each),
        )
        yield _Entry(rank=_rank(row), since=view.finished_at or view.began_at or 0, line=line, row=row)
        tail = self._tails.of(row.seen.instance.id, view.path)[-MOST_LINES:] if busy else ()
        for at, text in enumerate(tail, 1):
            rank = LAST if at == len(tail) else MORE
            yield _Entry(rank=rank, since=at, line=((f"{'  ' * row.depth}  │ {text}", ""),), row=None)

    def _why(self, row: Row) -> str:
        view = row.view
        if view.kind != "approval" or view.state != "waiting":
            return why(view)
        key = (row.seen.instance.id, view.path, view.attempt)
        if key not in self._asked:
            self._asked[key] = self._asks(row.seen, view)
        return self._asked[key]


def _is_busy(row: Row) -> bool:
    """Whether it does something itself."""
    return row.view.state in ACTIVE and row.view.kind not in CONTAINERS


def _rank(row: Row) -> int:
    state = row.view.state
    if state in ACTIVE or state in BAD:
        return AROUND if row.view.kind in CONTAINERS else RUNS
    if row.depth == 0:
        return TOP
    return PENDING if state == "pending" else WITHIN


def _indented(every: Sequence[Row], place: int) -> str:
    """A task's name within the task it stands below."""
    row = every[place]
    path = row.view.path
    above = next((each for each in reversed(every[:place]) if each.depth < row.depth), None)
    if above is not None and above.seen is row.seen:
        path = path.removeprefix(above.view.path).lstrip("/") or path
    return "  " * row.depth + path


def _counted(more: Sequence[Row]) -> str:
    """`12 more tasks: 8 ended, 4 to come`."""
    ended = sum(row.view.finished_at is not None for row in more)
    parts = [f"{number} {what}" for number, what in ((ended, "ended"), (len(more) - ended, "to come")) if number]
    return f"{len(more)} more {'task' if len(more) == 1 else 'tasks'}: {', '.join(parts)}"


def _foot(look: Look, every: Sequence[Row], now: int) -> Line:
    instance = look.run.instance
    own = [row for row in every if row.depth == 0]
    ended = sum(row.view.finished_at is not None for row in own)
    spent = duration(max((instance.finished_at or now) - instance.started_at, 0) // 1000 * 1000)
    return (
        (instance.workflow, "bold"),
        (f" {instance.state}", tone(instance.state)),
        (f" {spent}, {ended} of {len(own)} tasks ended. Ctrl-C cancels.", "calm"),
    )
