"""Which tasks nothing ends if they hang."""

from __future__ import annotations

from collections.abc import Iterator

from engine.spec.models import WorkflowKeys
from engine.spec.nodes import Path
from engine.spec.reliance import inner_kind_of
from engine.spec.walk import every_task

_CAN_HANG = frozenset(("script", "python", "container"))
"""Kinds whose end we do not control and that have no bound of their own; `http` has one."""
_OF_A_LIST = 2
"""The length of the path of a task in one of the two outermost lists."""


def around(path: Path) -> Path:
    """The path of the group that a task stands in, of `tasks` or of `finally`."""
    return path[:-2] if len(path) > _OF_A_LIST else path[:1]


def unbounded(keys: WorkflowKeys) -> Iterator[Path]:
    """Each task without a `timeout` or `deadline` of its own, of a group around it, of `defaults` or of the workflow."""
    if keys.defaults.timeout is not None or keys.defaults.deadline is not None:
        return
    bounded: set[Path] = {("tasks",)} if keys.timeout is not None else set()
    for path, task in every_task(keys):
        if task.timeout is not None or task.deadline is not None or around(path) in bounded:
            bounded.add(path)
        elif inner_kind_of(task) in _CAN_HANG:
            yield path
