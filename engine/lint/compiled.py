"""Finds the compiled task, and its parameters, for a place in the file."""

from __future__ import annotations

from itertools import zip_longest

from engine.core.expressions.model import Literal, MapOf, Template
from engine.core.model import Definition, Task
from engine.spec.nodes import Path


def leaf_at(definition: Definition, path: Path) -> Task:
    """What runs in the end at this path of `every_leaf`: of a task with items or iterations the innermost."""
    tasks = definition.tasks if path[0] == "tasks" else definition.finally_
    task = tasks.tasks[str(path[1])]
    for step, name in zip_longest(path[2::2], path[3::2]):
        whole, task = task, _innermost(task)
        if step == "compensate":
            undo = task.compensate or whole.compensate
            return undo.tasks[""] if undo else task
        body = task.body or whole.body
        task = body.tasks[str(name)] if body else task
    return _innermost(task)


def parameter(task: Task, name: str) -> Template | None:
    """The template of one of its parameters, None where it is not given."""
    if isinstance(task.params, MapOf):
        return dict(task.params.items).get(name)
    if isinstance(task.params, Literal) and isinstance(task.params.value, dict) and name in task.params.value:
        return Literal(value=task.params.value[name])
    return None


def _innermost(task: Task) -> Task:
    while task.body is not None and "" in task.body.tasks:
        task = task.body.tasks[""]
    return task
