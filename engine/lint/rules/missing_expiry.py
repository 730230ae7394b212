"""An approval without `expires` can wait for ever: nobody notices an instance that was forgotten."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.rule import Hit, Rule, Subject
from engine.spec.nodes import Path
from engine.spec.walk import every_task


def check(subject: Subject) -> Iterator[Hit]:
    """Each approval that nothing ends: no `expires`, no `timeout` of its own, of a group around it or of the workflow."""
    if subject.keys.timeout is not None:
        return
    bounded: set[Path] = set()
    for path, task in every_task(subject.keys):
        ends = task.timeout is not None or task.deadline is not None or "expires" in (task.with_ or {})
        if ends or path[:-2] in bounded:
            bounded.add(path)  # and all that is in it: a group stands before its tasks
        elif task.uses == "approval":
            yield Hit(path=path, message=f'the approval "{path[-1]}" can wait for ever; give it `expires`')


RULE = Rule(
    id="missing-expiry",
    summary="An approval has no `expires`, and nothing else ends it.",
    severity="warning",
    why=(
        "An approval that nobody answers keeps its instance open for ever. `expires` ends it with an outcome of its "
        "own; a `timeout` of the workflow or a `deadline` would do as well."
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
