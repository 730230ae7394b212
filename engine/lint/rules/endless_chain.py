"""Workflows that start each other without any condition go on until the engine stops them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from engine.core.model import TaskList
from engine.core.outcomes import DONE, SUCCEEDED
from engine.lint.rule import Hit, Rule
from engine.spec.cycles import cycles
from engine.spec.load import Loaded, WorkflowFile
from engine.spec.nodes import Document, Path
from engine.spec.task_models import TaskKeys

_Starts: TypeAlias = dict[str, dict[str, tuple[Document, Path]]]
"""By workflow, those that it starts whenever all goes well, and where that is said."""


def check_all(loaded: Loaded) -> Iterator[tuple[Document, Hit]]:
    """Each circle of workflows in which every one starts the next by a call, an event or its end, and nothing decides about it."""
    files = [(file, file.definition) for file in loaded.files if file.definition is not None]
    starts: _Starts = {file.keys.name: {} for file, _ in files}
    emitted: dict[str, list[tuple[str, Document, Path]]] = {}
    for file, definition in files:
        main = _sure(("tasks",), file.keys.tasks, definition.tasks)
        for path, task in (*main, *_sure(("finally",), file.keys.finally_, definition.finally_)):
            if task.workflow in starts:
                starts[file.keys.name].setdefault(task.workflow, (file.document, (*path, "workflow")))
            if task.uses == "emit":
                kind = str((task.with_ or {}).get("type"))
                emitted.setdefault(kind, []).append((file.keys.name, file.document, (*path, "with", "type")))
    for file, _ in files:
        _listen(file, starts, emitted)
    for circle in cycles({name: tuple(started) for name, started in starts.items()}):
        document, path = starts[circle[0]][circle[1 % len(circle)]]
        drawn = " → ".join((*circle, circle[0]))
        message = f"each of these starts the next: {drawn}; the engine stops them at a depth of 20"
        yield document, Hit(path=path, message=message, at_key=False)


def _listen(file: WorkflowFile, starts: _Starts, emitted: Mapping[str, list[tuple[str, Document, Path]]]) -> None:
    name, on = file.keys.name, file.keys.on
    for index, after in enumerate(on.workflow):
        if after.if_ is None and after.outcome in (SUCCEEDED, DONE) and after.name in starts:
            starts[after.name].setdefault(name, (file.document, ("on", "workflow", index, "name")))
    for event in on.event:
        for emitter, document, path in emitted.get(event.type, ()) if event.if_ is None else ():
            starts[emitter].setdefault(name, (document, path))


def _sure(path: Path, tasks: Mapping[str, TaskKeys], compiled: TaskList) -> Iterator[tuple[Path, TaskKeys]]:
    """The tasks that run whenever all goes well: nothing decides about them or about one that they wait for."""
    sure: set[str] = set()
    for name, task in compiled.tasks.items():  # each after those that it needs
        keys = tasks[name]
        if _runs(keys) and sure.issuperset(keys.needs):
            sure.add(name)
            yield (*path, name), keys
            if task.body is not None:
                yield from _sure((*path, name, "tasks"), keys.tasks or {}, task.body)


def _runs(task: TaskKeys) -> bool:
    loops = task.for_each is not None or task.repeat is not None
    return task.if_ is None and task.join.mode == "all" and not loops and task.switch is None


RULE = Rule(
    id="endless-chain",
    summary="Workflows start each other, and no condition ends it.",
    severity="warning",
    why=(
        "A workflow that calls itself, emits the event that starts it, or runs after one that runs after it, needs an `if` "
        "somewhere in the circle. Without one every start leads to the next, until the engine refuses to go deeper."
    ),
    before="""\
name: bad
on: {workflow: [{name: bad}]}
defaults: {timeout: 10m}
tasks:
  poll: {run: poll-orders}
""",
    after="""\
name: good
on: {schedule: [{cron: "*/5 * * * *"}]}
defaults: {timeout: 10m}
tasks:
  poll: {run: poll-orders}
""",
    check_all=check_all,
)
