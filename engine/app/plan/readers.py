"""Who reads the outputs of a workflow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from engine.app.plan.meaning import inmost
from engine.app.plan.model import Starter
from engine.app.plan.snapshot import Entry, Snapshot
from engine.core.expressions.reads import refs
from engine.core.keys import FINALLY, ROOT, task_path
from engine.core.model import Definition, Task, TaskList

Ref: TypeAlias = tuple[str, ...]
BODY = ("trigger", "body", "outputs")
"""Where a workflow that starts at the end of another one finds that one's outputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One place that reads an output, `output`; an empty one is all of them at once."""

    kind: Starter
    workflow: str
    path: str
    where: str
    output: str


def reads_of(name: str, side: Snapshot) -> Iterator[Read]:
    """Everything among these workflows that reads outputs of instances of the one called `name`, each place once."""
    for reader, entry in sorted(side.workflows.items()):
        yield from dict.fromkeys((*_of_calls(name, reader, entry), *_of_ends(name, reader, entry)))


def _of_calls(name: str, reader: str, entry: Entry) -> Iterator[Read]:
    for where, task, ref in references(entry.definition):
        called = inmost(task)
        if (called.kind, called.workflow) == ("workflow", name) and ref[2:3] == ("outputs",):
            output = ref[3] if task.kind != "for_each" and len(ref) > len(("tasks", "id", "outputs")) else ""
            yield Read(kind="task", workflow=reader, path=entry.path, where=where, output=output)


def _of_ends(name: str, reader: str, entry: Entry) -> Iterator[Read]:
    for trigger in entry.definition.workflows:
        found = refs(trigger.inputs) | (refs(trigger.condition) if trigger.condition else frozenset())
        for ref in sorted(found) if trigger.name == name else ():
            if ref[: len(BODY)] == BODY[: len(ref)]:
                output = ref[len(BODY)] if len(ref) > len(BODY) else ""
                where = f"on.workflow {name}"
                yield Read(kind="workflow", workflow=reader, path=entry.path, where=where, output=output)


def references(definition: Definition) -> Iterator[tuple[str, Task, Ref]]:
    """Everything that reads of a task: where it stands (a task's path, or `outputs`), the task, and the path that is read."""
    root = definition.tasks
    yield from _list(ROOT, root, [])
    yield from _resolved("outputs", refs(definition.outputs), [root])
    yield from _list(FINALLY, definition.finally_, [root])


def _list(around: str, tasks: TaskList, outer: Sequence[TaskList]) -> Iterator[tuple[str, Task, Ref]]:
    lists = [*outer, tasks]
    for template in (tasks.outputs, tasks.until):
        if template is not None:
            yield from _resolved(task_path(around, "outputs"), refs(template), lists)
    for task in tasks.tasks.values():
        path = task_path(around, task.id)
        yield from _resolved(path, replace(task, body=None).reads, lists)
        if task.compensate is not None:
            yield from _resolved(path, task.compensate.tasks[""].reads, lists)
        if task.body is not None:
            yield from _list(path, task.body, lists)


def _resolved(where: str, found: Iterable[Ref], lists: Sequence[TaskList]) -> Iterator[tuple[str, Task, Ref]]:
    """A name is that of a task of the nearest list that has it."""
    for ref in sorted(found):
        if ref[0] == "tasks" and len(ref) > 1:
            task = next((one.tasks[ref[1]] for one in reversed(lists) if ref[1] in one.tasks), None)
            if task is not None:
                yield where, task, ref
