"""Tasks in tasks as a tree: what the graph draws in each other and the table lists below each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from engine.app.read import TaskView, tasks_in
from engine.core.keys import COMPENSATE, FINALLY, owner, task_path
from engine.core.model import Definition
from engine.core.state import ACTIVE, ScopeState

BAD = frozenset({"failed", "rejected", "expired", "timed_out"})
RUNS, FAILED, QUEUED, REST = range(4)
"""What is looked at first. The first two are as interesting as each other."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One run of one list of tasks, or the list itself where nothing has run. `bodies` by the path of their task."""

    path: str
    state: str
    since: int
    views: tuple[TaskView, ...]
    bodies: Mapping[str, tuple[Body, ...]]

    @property
    def leaf(self) -> bool:
        """Whether it is one task without a name of its own: an item, an iteration, what undoes a task."""
        return len(self.views) == 1 and self.views[0].path == self.path

    @property
    def rank(self) -> int:
        """How much one wants to see it."""
        inner = min(
            (part.rank for bodies in self.bodies.values() for body in bodies for part in body.parts), default=REST
        )
        states = {self.state, *(view.state for view in self.views)}
        if states & (ACTIVE - {"queued"}):
            return min(inner, RUNS)
        return min(inner, FAILED if states & BAD else QUEUED if states & ACTIVE else REST)

    @property
    def count(self) -> int:
        """The tasks in it and below."""
        return len(self.views) + sum(body.count for bodies in self.bodies.values() for body in bodies)


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a task consists of, or what undoes it: `parts` are those that are known, of `total` that were started.

    `unopened`: items that were not, or not yet.
    """

    task: TaskView
    undoes: bool
    parts: tuple[Part, ...]
    total: int
    unopened: int

    @property
    def unstarted(self) -> str:
        """`3 are not started yet`; nothing where all were."""
        if not self.unopened:
            return ""
        be = ("was", "were") if self.task.finished_at is not None else ("is", "are")
        return f"{self.unopened:,} {be[self.unopened > 1]} not started" + ("" if self.task.finished_at else " yet")

    @property
    def key(self) -> str:
        """Tells it from all others of the instance."""
        return f"{self.task.path}/{COMPENSATE}" if self.undoes else self.task.path

    @property
    def leaf(self) -> bool:
        """Whether its parts are gathered, as each is only one task."""
        return all(part.leaf for part in self.parts)

    @property
    def group(self) -> bool:
        """Whether it is the one list of a group, which needs no title besides its task's."""
        return self.task.kind == "group" and not self.undoes

    @property
    def rank(self) -> int:
        """As of its parts."""
        return min((part.rank for part in self.parts), default=REST)

    @property
    def since(self) -> int:
        """When its newest part began."""
        return max((part.since for part in self.parts), default=0)

    @property
    def count(self) -> int:
        """The tasks that are known of it."""
        return sum(part.count for part in self.parts)


def tree(views: Sequence[TaskView], scopes: Mapping[str, ScopeState]) -> tuple[Part, ...]:
    """The lists that are in no other of these: of a whole instance that of its tasks and that of its `finally`."""
    by_scope: dict[str, list[TaskView]] = {}
    for view in views:
        by_scope.setdefault(view.scope, []).append(view)
    inner: dict[tuple[str, bool], list[str]] = {}
    tops = []
    for scope in by_scope:
        above = owner(scope)
        if above is None or scope == FINALLY or above[0] not in by_scope:
            tops.append(scope)
        else:
            inner.setdefault((task_path(*above), scope.rpartition("/")[2] == COMPENSATE), []).append(scope)

    def part(scope: str) -> Part:
        own = tuple(by_scope[scope])
        bodies = {view.path: tuple(_bodies(view)) for view in own}
        state = scopes.get(scope)
        return Part(
            path=scope,
            state=_state(state) if state else "pending",
            since=state.get("started_at", 0) if state else 0,
            views=own,
            bodies={path: found for path, found in bodies.items() if found},
        )

    def _bodies(view: TaskView) -> list[Body]:
        found = []
        for undoes in (False, True):
            parts = tuple(part(path) for path in inner.get((view.path, undoes), ()))
            if parts:
                total = len(parts) if undoes else _total(view, len(parts))
                found.append(
                    Body(task=view, undoes=undoes, parts=parts, total=total, unopened=0 if undoes else _unopened(view))
                )
        return found

    return tuple(part(scope) for scope in tops)


def interesting(ranked: Iterable[tuple[int, int, T]]) -> list[T]:
    """Things given with their rank and when they began, those first that are looked at first: of each rank the newest."""
    places: dict[int, int] = {}
    keyed = []
    for rank, _, thing in sorted(ranked, key=lambda one: (one[0], -one[1])):
        place = places[rank] = places.get(rank, -1) + 1
        keyed.append(((max(rank, FAILED), place, rank), thing))
    return [thing for _, thing in sorted(keyed, key=lambda one: one[0])]


def plan(definition: Definition) -> tuple[Part, ...]:
    """The lists of a workflow that has not run, each once."""
    return tree(tasks_in(definition, dict.fromkeys(definition.lists, _NOTHING)), {})


_NOTHING: ScopeState = {"status": "running", "at": 0, "started_at": 0, "tasks": {}}


def _state(scope: ScopeState) -> str:
    if scope["status"] == "settled":
        return scope.get("outcome", "succeeded")
    return "running" if scope["status"] == "finally" else scope["status"]


def _unopened(view: TaskView) -> int:
    return view.items["total"] - view.items["next"] if view.items is not None else 0


def _total(view: TaskView, known: int) -> int:
    if view.items is not None:
        return max(view.items["next"], known)
    return max(view.iterations["number"], known) if view.iterations is not None else known
