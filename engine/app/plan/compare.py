"""Makes the plan: all that differs between two sides, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from engine.app.plan.affected import Running, Sides
from engine.app.plan.breaks import breaks
from engine.app.plan.keys import differences
from engine.app.plan.meaning import every_task, kind_of, workflow_keys
from engine.app.plan.model import Change, Plan, TaskChange, WorkflowChange
from engine.app.plan.project import project_changes
from engine.app.plan.snapshot import Entry, Snapshot
from engine.app.plan.timetable import schedule_changes
from engine.app.plan.triggers import trigger_changes
from engine.core.model import Definition
from engine.spec.findings import Finding


def compare(
    before: Snapshot,
    after: Snapshot,
    *,
    now: int,
    running: Running | None = None,
    findings: Sequence[Finding] = (),
    notes: Sequence[str] = (),
) -> Plan:
    """What merging does. `now` in milliseconds; `running`: instances that have not ended, by workflow and state.

    Workflows of files that cannot be compared for their errors are neither added, changed nor removed: a note names them.
    """
    sides = Sides(before=before, after=after, running=running or {})
    return Plan(
        before=before.name,
        after=after.name,
        workflows=tuple(_workflows(sides)),
        project=tuple(project_changes(before, after)),
        breaking=tuple(breaks(sides)),
        schedules=tuple(schedule_changes(before, after, now=now)),
        findings=tuple(findings),
        notes=(*notes, *_unread(before), *_unread(after)),
    )


def _workflows(sides: Sides) -> Iterator[WorkflowChange]:
    then, now = sides.before.workflows, sides.after.workflows
    for name in sorted((then.keys() | now.keys()) - sides.before.hidden - sides.after.hidden):
        found = _workflow(then.get(name), now.get(name))
        if found is not None:
            yield replace(found, running=dict(sides.running.get(name, {})))


def _workflow(before: Entry | None, after: Entry | None) -> WorkflowChange | None:
    """What becomes of a workflow; None where it means the same."""
    if before is not None and after is not None:
        one, other = before.definition, after.definition
        keys = (*differences(workflow_keys(one), workflow_keys(other)), *trigger_changes(one, other))
        tasks = tuple(_tasks(one, other))
        change = WorkflowChange(name=other.name, change="changed", path=after.path, keys=keys, tasks=tasks)
        return change if keys or tasks else None
    entry = before or after
    if entry is None:
        return None
    kind: Change = "removed" if before else "added"
    tasks = tuple(
        TaskChange(path=path, change=kind, kind=kind_of(task)) for path, task, _ in every_task(entry.definition)
    )
    return WorkflowChange(name=entry.definition.name, change=kind, path=entry.path, tasks=tasks)


def _tasks(before: Definition, after: Definition) -> Iterator[TaskChange]:
    """Tasks are the same by their paths: one with another name is another task, as it is to the engine."""
    then, now = ({path: (kind_of(task), keys) for path, task, keys in every_task(side)} for side in (before, after))
    for path in [*now, *(path for path in then if path not in now)]:
        if path not in then:
            yield TaskChange(path=path, change="added", kind=now[path][0])
        elif path not in now:
            yield TaskChange(path=path, change="removed", kind=then[path][0])
        elif keys := tuple(differences(then[path][1], now[path][1])):
            yield TaskChange(path=path, change="changed", kind=now[path][0], keys=keys)


def _unread(side: Snapshot) -> Iterator[str]:
    if side.unread:
        yield f"{side.name}: not compared, because of errors: {', '.join(side.unread)}"
    if side.project is None:
        yield f"{side.name}: project.yaml is not compared, because of errors"
