"""An instance's tasks as people see them: what its definition says, with what has become of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.core.keys import FINALLY, ROOT, task_path
from engine.core.model import Definition, Edge, Task, TaskList
from engine.core.state import ScopeState, SkipReason, TaskError, TaskRun
from engine.core.values import Json
from engine.errors import NotFound

PENDING = "pending"


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

    @property
    def began_at(self) -> int | None:
        """Since when it is under way, its time in the queue and between attempts included.

        Not `started_at`: a worker tells of a start only after a second, and of a shorter attempt's only the end.
        """
        return self.started_at if self.ready_at is None else self.ready_at


def tasks_of(definition: Definition, scopes: Mapping[str, ScopeState]) -> tuple[TaskView, ...]:
    """Every task of the definition exactly once, in an order in which each stands after those it needs; `finally` last."""
    return (
        *_list(ROOT, definition.tasks, scopes.get(ROOT)),
        *_list(FINALLY, definition.finally_, scopes.get(FINALLY)),
    )


def task_at(views: tuple[TaskView, ...], path: str) -> TaskView:
    """The task at a path. Raises NotFound."""
    for view in views:
        if view.path == path:
            return view
    raise NotFound("task", path)


def _list(scope: str, tasks: TaskList, state: ScopeState | None) -> Iterator[TaskView]:
    runs: Mapping[str, TaskRun] = state["tasks"] if state else {}
    for task in tasks.tasks.values():
        yield _view(scope, task, runs.get(task.id))


def _view(scope: str, task: Task, run: TaskRun | None) -> TaskView:
    run = run or {"state": PENDING, "attempt": 0}
    return TaskView(
        path=task_path(scope, task.id),
        scope=scope,
        id=task.id,
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
    )
