"""An instance's tasks as people see them: what its definition says, with what has become of each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.app.ports import InstanceReader
from engine.core.keys import FINALLY, ROOT, owner, parent_scope, shape_of, split_path, task_path
from engine.core.model import Definition, Edge, Task
from engine.core.state import PENDING, ItemsRun, IterationsRun, ScopeState, SkipReason, TaskError, TaskRun
from engine.core.values import Json
from engine.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """One task at one path. `state` is `pending` or as `TaskRun.state`; times in milliseconds."""

    path: str
    scope: str
    id: str
    kind: str
    edges: tuple[Edge, ...]
    description: str
    state: str
    attempt: int = 0
    losses: int = 0
    ready_at: int | None = None
    started_at: int | None = None
    finished_at: int | None = None
    outputs: Json = None
    error: TaskError | None = None
    skipped: SkipReason | None = None
    items: ItemsRun | None = None
    iterations: IterationsRun | None = None
    child: str | None = None
    waits_for: str | None = None
    by: str | None = None
    undone: bool = False
    held: bool = False
    cached: bool = False
    gate: str | None = None

    @property
    def began_at(self) -> int | None:
        """Since when it is under way, its time in the queue and between attempts included.

        Not `started_at`: a worker tells of a start only after a second, and of a shorter attempt's only the end.
        """
        return self.started_at if self.ready_at is None else self.ready_at


MOST_SCOPES = 1_000
"""Scopes of an instance that are read at once, at most."""


def tasks_of(definition: Definition, scopes: Mapping[str, ScopeState]) -> tuple[TaskView, ...]:
    """Every task of the scopes that are open, each list in an order in which each task stands after those it needs.

    What a task consists of follows it; `finally` is last. Scopes that this definition does not have (an instance that went
    on with another one) are left out.
    """
    below = _below(definition, scopes)
    return (*_scope(ROOT, definition, scopes, below), *_scope(FINALLY, definition, scopes, below))


def tasks_in(definition: Definition, scopes: Mapping[str, ScopeState]) -> tuple[TaskView, ...]:
    """The tasks of these scopes alone, as `tasks_of`: for a part of an instance, or a page of a large one."""
    below = _below(definition, scopes)
    tops = [path for path in scopes if path in (ROOT, FINALLY) or parent_scope(path) not in scopes]
    known = (path for path in sorted(tops, key=natural) if shape_of(path) in definition.lists)
    return tuple(view for path in known for view in _scope(path, definition, scopes, below))


def task_at(definition: Definition, reader: InstanceReader, instance: str, path: str) -> TaskView:
    """The task at a path. Raises NotFound."""
    scope, name = split_path(path)
    tasks = definition.lists.get(shape_of(scope))
    state = reader.scope(instance, scope)
    if tasks is None or name not in tasks.tasks or (state is None and scope not in (ROOT, FINALLY)):
        raise NotFound("task", path)
    return _view(scope, tasks.tasks[name], state["tasks"].get(name) if state else None)


def has_part(definition: Definition, path: str) -> bool:
    """Whether there can be scopes at this path or below it."""
    shape = shape_of(path)
    return any(one == shape or one.startswith((f"{shape}/", f"{shape}[", f"{shape}#")) for one in definition.lists)


Below = Mapping[tuple[str, str], list[str]]
"""A scope and a task in it to the scopes of what the task consists of, or of what undoes it."""


def _below(definition: Definition, scopes: Mapping[str, ScopeState]) -> Below:
    below: dict[tuple[str, str], list[str]] = {}
    for path in scopes:
        above = owner(path)
        if above is not None and path != FINALLY and shape_of(path) in definition.lists:
            below.setdefault(above, []).append(path)
    return below


def _scope(scope: str, definition: Definition, scopes: Mapping[str, ScopeState], below: Below) -> Iterator[TaskView]:
    state = scopes.get(scope)
    runs: Mapping[str, TaskRun] = state["tasks"] if state else {}
    for task in definition.task_list(scope).tasks.values():
        yield _view(scope, task, runs.get(task.id))
        for path in sorted(below.get((scope, task.id), ()), key=natural):
            yield from _scope(path, definition, scopes, below)


def natural(path: str) -> list[tuple[int, int, str]]:
    """Iterations and items with numbers for keys in the order of their numbers."""
    parts = _NUMBER.split(path)
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts]


_NUMBER = re.compile(r"(\d{1,18})")


def _view(scope: str, task: Task, run: TaskRun | None) -> TaskView:
    run = run or {"state": PENDING, "attempt": 0}
    return TaskView(
        path=task_path(scope, task.id),
        scope=scope,
        id=task.id or scope.rpartition("/")[2],
        kind=task.kind,
        edges=task.edges,
        description=task.description,
        state=run["state"],
        attempt=run["attempt"],
        losses=run.get("losses", 0),
        ready_at=run.get("ready_at"),
        started_at=run.get("started_at"),
        finished_at=run.get("finished_at"),
        outputs=run.get("outputs"),
        error=run.get("error"),
        skipped=run.get("skipped"),
        items=run.get("items"),
        iterations=run.get("iterations"),
        child=run.get("child"),
        waits_for=run.get("waits_for"),
        by=run.get("by"),
        undone=run.get("undone", False),
        held="held" in run,
        cached=run.get("cached", False),
        gate=run.get("gate"),
    )
