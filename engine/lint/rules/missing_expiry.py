"""What waits for a person or an event without an end can wait for ever: nobody notices an instance that was forgotten."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.bounds import around
from engine.lint.rule import Hit, Rule, Subject
from engine.spec.nodes import Path
from engine.spec.walk import every_task

_ENDED_BY = {"approval": "expires", "event": "timeout"}
"""The parameter that ends a wait of this kind."""


def check(subject: Subject) -> Iterator[Hit]:
    """Each approval and event that nothing ends: no end or `timeout` of its own, of a group around it or of the workflow."""
    bounded: set[Path] = {("tasks",)} if subject.keys.timeout is not None else set()
    for path, task in every_task(subject.keys):
        end = _ENDED_BY.get(task.uses or "", "")
        ends = task.timeout is not None or task.deadline is not None or end in (task.with_ or {})
        if ends or around(path) in bounded:
            bounded.add(path)  # and all that is in it: a group stands before its tasks
        elif end:
            yield Hit(path=path, message=f'the {task.uses} "{path[-1]}" can wait for ever; give it `{end}`')


RULE = Rule(
    id="missing-expiry",
    summary="An approval has no `expires`, or an event no `timeout`, and nothing else ends it.",
    severity="warning",
    why=(
        "An approval that nobody answers, and an event that never comes, keep their instance open for ever. `expires` and "
        "`timeout` end them with an outcome of its own; a `timeout` of a group or the workflow or a `deadline` would do as well."
    ),
    before="""\
name: bad
tasks:
  ask: {uses: approval, with: {message: "Go?", approvers: ana}}
  no: {needs: ask.rejected, run: "echo no"}
""",
    after="""\
name: good
tasks:
  ask: {uses: approval, with: {message: "Go?", approvers: ana, expires: 24h}}
  no: {needs: [ask.rejected, ask.expired], join: any, run: "echo no"}
""",
    check=check,
)
