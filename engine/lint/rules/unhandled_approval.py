"""A refused or expired approval that no task listens for fails the instance: say so before it happens."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.rule import Hit, Rule, Subject
from engine.spec.nodes import Path
from engine.spec.reliance import kind_of
from engine.spec.task_models import TaskKeys


def check(subject: Subject) -> Iterator[Hit]:
    """Each approval with a negative outcome of its own that no edge names."""
    yield from _unheard(subject.keys.tasks, ("tasks",))
    yield from _unheard(subject.keys.finally_, ("finally",))


def _unheard(tasks: dict[str, TaskKeys], path: Path) -> Iterator[Hit]:
    needed = {need for task in tasks.values() for need in task.needs}
    for name, task in tasks.items():
        if task.tasks is not None:
            yield from _unheard(task.tasks, (*path, name, "tasks"))
        if kind_of(task) != "approval" or task.continue_on_error:
            continue
        ends = ("rejected", "expired") if "expires" in (task.with_ or {}) else ("rejected",)
        unheard = [f"{name}.{end}" for end in ends if f"{name}.{end}" not in needed]
        if unheard:
            yield Hit(path=(*path, name), message=f"no task needs {' or '.join(unheard)}, which will fail the instance")


RULE = Rule(
    id="unhandled-approval",
    summary="An approval can be rejected or expire, and no task says what happens then.",
    severity="warning",
    why=(
        "When nobody listens for `rejected` or `expired`, those outcomes fail the instance. If that is what you want, "
        "say so with a task that tells somebody."
    ),
    before="""\
name: bad
tasks:
  ask: {uses: approval, with: {message: "Go?", approvers: ana, expires: 24h}}
  ship: {needs: ask, run: make ship}
""",
    after="""\
name: good
tasks:
  ask: {uses: approval, with: {message: "Go?", approvers: ana, expires: 24h}}
  ship: {needs: ask, run: make ship}
  no: {needs: [ask.rejected, ask.expired], join: any, run: "echo no"}
""",
    check=check,
)
