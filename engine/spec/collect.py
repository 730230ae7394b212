"""Finds the tasks with `for_each` whose outputs nothing reads: those of their items need not be gathered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from engine.core.expressions.reads import refs
from engine.core.model import Task, TaskList

_NAMED, _PART = 2, 3


def mark_collected(tasks: TaskList, reads: Iterable[tuple[str, ...]]) -> TaskList:
    """The list with `collect` set where one of these paths reads the outputs of the task, whatever list it is in."""
    read = {ref[1] if len(ref) >= _NAMED else "" for ref in reads if _reads_outputs(ref)}
    return _list(tasks, read)


def _reads_outputs(ref: tuple[str, ...]) -> bool:
    return ref[0] == "tasks" and (len(ref) < _PART or ref[2] == "outputs")


def _list(tasks: TaskList, read: set[str]) -> TaskList:
    if not any(task.body is not None for task in tasks.tasks.values()):
        return tasks
    return replace(tasks, tasks={name: _task(task, read) for name, task in tasks.tasks.items()})


def _task(task: Task, read: set[str]) -> Task:
    if task.body is None:
        return task
    body = _list(task.body, read)
    if task.for_each is None:
        return replace(task, body=body)
    collect = bool({"", task.id} & read) or _undo_reads(task)
    return replace(task, body=body, for_each=replace(task.for_each, collect=collect))


def _undo_reads(task: Task) -> bool:
    """Whether what undoes all items together reads their outputs."""
    undo = task.compensate.tasks[""] if task.compensate else None
    return undo is not None and any(ref[0] == "outputs" for part in (undo.params, undo.env) for ref in refs(part))
