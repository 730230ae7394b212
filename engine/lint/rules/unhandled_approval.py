"""A refused or expired approval that no task listens for fails the instance: say so before it happens."""

from __future__ import annotations

from collections.abc import Iterator

from engine.core.model import TaskList
from engine.lint.rule import Hit, Rule, Subject
from engine.spec.models import TaskKeys
from engine.spec.nodes import Path


def check(subject: Subject) -> Iterator[Hit]:
    """Each approval with a negative outcome of its own that no edge names."""
    yield from _unheard(subject.keys.tasks, subject.definition.tasks, ("tasks",))
    yield from _unheard(subject.keys.finally_, subject.definition.finally_, ("finally",))


def _unheard(keys: dict[str, TaskKeys], tasks: TaskList, path: Path) -> Iterator[Hit]:
    for name, task in keys.items():
        if task.uses != "approval":
            continue
        followers = (tasks.tasks[follower] for follower in tasks.followers[name])
        heard = {edge.outcome for follower in followers for edge in follower.edges if edge.source == name}
        ends = ("rejected", "expired") if "expires" in (task.with_ or {}) else ("rejected",)
        unheard = [f"{name}.{end}" for end in ends if end not in heard]
        if unheard:
            yield Hit(path=(*path, name), message=f"no task needs {' or '.join(unheard)}, which will fail the instance")


RULE = Rule(
    id="unhandled-approval",
    summary="An approval can be rejected or expire, and no task says what happens then.",
    severity="warning",
    check=check,
)
