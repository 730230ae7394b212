"""An approval without `expires` can wait for ever: nobody notices an instance that was forgotten."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.rule import Hit, Rule, Subject
from engine.spec.walk import every_task


def check(subject: Subject) -> Iterator[Hit]:
    """Each approval that nothing ends: no `expires`, no `timeout` of its own or of the workflow."""
    if subject.keys.timeout is not None:
        return
    for path, task in every_task(subject.keys):
        bounded = task.timeout is not None or task.deadline is not None or "expires" in (task.with_ or {})
        if task.uses == "approval" and not bounded:
            yield Hit(path=path, message=f'the approval "{path[-1]}" can wait for ever; give it `expires`')


RULE = Rule(
    id="missing-expiry",
    summary="An approval has no `expires`, and nothing else ends it.",
    severity="warning",
    check=check,
)
