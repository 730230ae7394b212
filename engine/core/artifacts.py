"""Which files a task gets: named by the task that left them and the attempt of it that counted."""

from __future__ import annotations

from engine.core.context import Context
from engine.core.keys import task_path
from engine.core.model import Definition, Task
from engine.core.names import nearest
from engine.core.outcomes import is_positive
from engine.core.state import ScopeState, TaskRun
from engine.core.values import JsonObject


def files_for(
    definition: Definition, state: ScopeState, context: Context, task: Task, run: TaskRun
) -> JsonObject | None:
    """`RunTask.artifacts`. A source that did not succeed gives nothing; of one with scopes, attempt 0 means all below it."""
    if task.artifacts is None:
        return None
    found = []
    for wanted in task.artifacts.in_:
        scope, source = nearest(wanted.task, definition, state, context, run.get("unseen", ()))
        if source is None or not is_positive(source["state"]):
            continue
        with_scopes = definition.task_list(scope).tasks[wanted.task].body is not None
        found.append(
            {
                "path": task_path(scope, wanted.task),
                "attempt": 0 if with_scopes else source["attempt"],
                "name": wanted.name,
                "to": wanted.to,
            }
        )
    return {"in": found, "out": dict(task.artifacts.out)}
