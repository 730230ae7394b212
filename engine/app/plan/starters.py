"""Who starts a workflow, and which inputs each of them gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.app.plan.meaning import every_task, inmost
from engine.app.plan.model import Starter
from engine.app.plan.snapshot import Entry, Snapshot
from engine.app.plan.triggers import KINDS, label
from engine.core.expressions.model import Literal, MapOf, Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One place that starts a workflow. `given`: the inputs by name; None where an expression gives them as a whole."""

    kind: Starter
    workflow: str
    path: str
    where: str
    given: Mapping[str, Template] | None


def starts_of(name: str, side: Snapshot) -> Iterator[Start]:
    """Everything among these workflows that starts the one called `name`."""
    yield from calls_of(name, side)
    own = side.workflows.get(name)
    if own is not None:
        yield from _triggers(own)


def calls_of(name: str, side: Snapshot) -> Iterator[Start]:
    """The tasks that start it."""
    for caller, entry in sorted(side.workflows.items()):
        for path, task, _ in every_task(entry.definition):
            called = inmost(task)
            if called.kind == "workflow" and called.workflow == name:
                given = _given(called.params)
                yield Start(kind="task", workflow=caller, path=entry.path, where=path, given=given)


def listeners_of(name: str, side: Snapshot) -> Iterator[Start]:
    """The workflows that start when an instance of it ends."""
    for listener, entry in sorted(side.workflows.items()):
        for trigger in entry.definition.workflows:
            if trigger.name == name:
                yield Start(
                    kind="workflow", workflow=listener, path=entry.path, where=f"on.workflow {name}", given=None
                )


def _triggers(own: Entry) -> Iterator[Start]:
    kinds: tuple[Starter, ...] = ("webhook", "schedule", "event", "workflow")
    for kind in kinds:
        for trigger in KINDS[kind](own.definition):
            where = f"on.{kind} {label(trigger)}"
            given = _given(trigger.inputs)
            yield Start(kind=kind, workflow=own.definition.name, path=own.path, where=where, given=given)


def _given(template: Template) -> Mapping[str, Template] | None:
    match template:
        case Literal(value=dict() as values):
            return {key: Literal(value=value) for key, value in values.items()}
        case MapOf():
            return dict(template.items)
        case _:
            return None
