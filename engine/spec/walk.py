"""Every task of a workflow file, those in groups among them, with the place where it stands, and every plain value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.spec.models import WorkflowKeys
from engine.spec.nodes import Mapping as Map
from engine.spec.nodes import Node, Path, Scalar
from engine.spec.task_models import LeafKeys, TaskKeys


def every_task(keys: WorkflowKeys) -> Iterator[tuple[Path, TaskKeys]]:
    """Each task with its path in the file, a group before what is in it."""
    yield from _below(("tasks",), keys.tasks)
    yield from _below(("finally",), keys.finally_)


def every_leaf(keys: WorkflowKeys) -> Iterator[tuple[Path, LeafKeys]]:
    """Each task, and what undoes each."""
    for path, task in every_task(keys):
        yield path, task
        if task.compensate is not None:
            yield (*path, "compensate"), task.compensate


def every_scalar(node: Node, path: Path = ()) -> Iterator[tuple[Path, Scalar]]:
    """Each value without parts in a value, with its path."""
    if isinstance(node, Scalar):
        yield path, node
    elif isinstance(node, Map):
        for key, entry in node.entries.items():
            yield from every_scalar(entry.node, (*path, key))
    else:
        for index, item in enumerate(node.items):
            yield from every_scalar(item, (*path, index))


def _below(path: Path, tasks: Mapping[str, TaskKeys]) -> Iterator[tuple[Path, TaskKeys]]:
    for name, task in tasks.items():
        at: Path = (*path, name)
        yield at, task
        if task.tasks is not None:
            yield from _below((*at, "tasks"), task.tasks)
