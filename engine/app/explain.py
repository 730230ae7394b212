"""Explains an instance or one of its tasks: why it is where it is, what it waits for, and what comes next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from engine.app.attempts_seen import AttemptSeen, attempts
from engine.app.gate_ports import SlotGroups
from engine.app.glance import glance
from engine.app.ports import ApprovalStore, InstanceReader, InstanceStore
from engine.app.records import FINAL, Instance
from engine.app.runs import Run
from engine.app.waits import Wait, Waits
from engine.core.codec import definition_from_json
from engine.core.joins import negative
from engine.core.keys import FINALLY, ROOT, scopes_around, shape_of, split_path, task_path
from engine.core.model import Definition, Task, TaskList
from engine.core.reasons import (
    Coming,
    ConditionSeen,
    EdgeSeen,
    Follower,
    coming,
    conditions_seen,
    edges_seen,
    followers,
    handling,
    joined,
    why,
)
from engine.core.state import ACTIVE, PENDING, ScopeState, TaskError
from engine.errors import NotFound

SHOWN = 50
"""Tasks that the explanation of an instance has at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskExplained:
    """`why` in a sentence, then what it rests on. `handling`: what became of a negative outcome, `handled_by` which tasks.

    `followers`: those that wait for its end.
    """

    path: str
    kind: str
    state: str
    why: str
    join: str = ""
    edges: tuple[EdgeSeen, ...] = ()
    conditions: tuple[ConditionSeen, ...] = ()
    attempts: tuple[AttemptSeen, ...] = ()
    error: TaskError | None = None
    handling: str | None = None
    handled_by: tuple[str, ...] = ()
    waits: tuple[Wait, ...] = ()
    next: tuple[Coming, ...] = ()
    followers: tuple[Follower, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """An instance. `tasks`: those under way and those that ended badly, at most 50; or the one that was asked for, with its
    conditions and its attempts.
    """

    id: str
    workflow: str
    state: str
    why: str
    waits: tuple[Wait, ...] = ()
    next: tuple[Coming, ...] = ()
    tasks: tuple[TaskExplained, ...] = ()
    more: bool = False


class Explainer:
    """Reads, and changes nothing."""

    def __init__(
        self, *, reader: InstanceReader, instances: InstanceStore, approvals: ApprovalStore, slots: SlotGroups
    ) -> None:
        self._reader = reader
        self._instances = instances
        self._waits = Waits(reader=reader, approvals=approvals, slots=slots)

    def explain(self, id: str, path: str | None = None) -> Explained:
        """An instance, with one of its tasks or with those that it is about. Raises NotFound."""
        found = self._reader.get(id)
        definition = definition_from_json(self._instances.definition(found.digest))
        if path is None:
            scopes, more = glance(self._reader, id)
            tasks = list(islice(self._of_interest(id, definition, scopes), SHOWN + 1))
            return replace(self._instance(found, scopes), tasks=tuple(tasks[:SHOWN]), more=more or len(tasks) > SHOWN)
        scope, name = split_path(path)
        listed = definition.lists.get(shape_of(scope))
        if listed is None or name not in listed.tasks:
            raise NotFound("task", path)
        scopes = self._reader.scopes_at(id, {scope, ROOT, *scopes_around(scope)})
        return replace(self._instance(found, scopes), tasks=(self._in_full(id, path, definition, listed, scopes),))

    def _instance(self, found: Instance, scopes: Mapping[str, ScopeState]) -> Explained:
        explained = Explained(id=found.id, workflow=found.workflow, state=found.state, why=_why(found))
        if ROOT not in scopes or found.state in FINAL:
            return explained
        due = scopes[ROOT].get("timers", {}).get("timeout")
        over = (Coming(at=due, what="the instance is stopped, as its timeout is over"),) if due is not None else ()
        return replace(explained, waits=self._waits.of_instance(found.id, scopes[ROOT]), next=over)

    def _in_full(
        self, id: str, path: str, definition: Definition, tasks: TaskList, scopes: Mapping[str, ScopeState]
    ) -> TaskExplained:
        scope, name = split_path(path)
        task = tasks.tasks[name]
        if scope not in scopes:
            return _not_open(path, task, scope)
        outer = tuple(scopes[one] for one in scopes_around(scope))
        run = Run.of(id, self._instances.facts(id), definition)
        context = run.context(scope, outer, lambda digest: self._instances.values(id, [digest]).get(digest))
        return replace(
            self._task(id, scope, task, tasks, scopes),
            conditions=conditions_seen(definition, scopes[scope], context, task),
            attempts=attempts(self._reader, id, scope, name),
        )

    def _of_interest(
        self, id: str, definition: Definition, scopes: Mapping[str, ScopeState]
    ) -> Iterator[TaskExplained]:
        for scope, state in scopes.items():
            tasks = definition.lists.get(shape_of(scope))
            if tasks is None:
                continue
            for name, run in state["tasks"].items():
                task = tasks.tasks.get(name)
                if task is not None and (run["state"] in ACTIVE or negative(task, run)):
                    yield self._task(id, scope, task, tasks, scopes)

    def _task(
        self, id: str, scope: str, task: Task, tasks: TaskList, states: Mapping[str, ScopeState]
    ) -> TaskExplained:
        state = states[scope]
        run = state["tasks"].get(task.id)
        edges = edges_seen(task, state["tasks"])
        became, by = handling(task, tasks, state["tasks"]) or (None, ())
        told = TaskExplained(
            path=task_path(scope, task.id),
            kind=task.kind,
            state=PENDING if run is None else run["state"],
            why=why(task, tasks, state, scope),
            join=joined(task, edges),
            edges=edges,
            handling=became,
            handled_by=by,
            followers=() if run is not None and run["state"] not in ACTIVE else followers(task, tasks, state["tasks"]),
        )
        if run is None:
            return told
        told = replace(told, error=run.get("error"), next=coming(run))
        if run["state"] not in ACTIVE:
            return told
        return replace(told, waits=self._waits.of_task(id, scope, task, run, states.get(ROOT, state)))


def _not_open(path: str, task: Task, scope: str) -> TaskExplained:
    """A task of a list that has not been opened: the tasks around it say why."""
    said = "the workflow's own tasks have not ended" if scope == FINALLY else f"{scope} has not begun"
    return TaskExplained(path=path, kind=task.kind, state=PENDING, why=f"it waits, because {said}")


def _why(found: Instance) -> str:
    error = found.error if isinstance(found.error, dict) else {}
    if found.state == "cancelled" and error.get("cancelled"):
        by = error["cancelled"]
        return f"cancelled by {by['by']}" + (f": {by['reason']}" if by.get("reason") else "")
    if found.state == "failed":
        own = error.get("error")
        failures = ", ".join(f"{one['path'] or 'the instance'} {one['outcome']}" for one in error.get("failures", ()))
        return f"failed: {own['message']}" if own else f"failed, because nobody handled: {failures}"
    return f"it is {found.state}"
