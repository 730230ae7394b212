"""A `join` over one edge: it reads as if something were decided there."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.rule import Hit, Rule, Subject
from engine.spec.removal import removal
from engine.spec.walk import every_task


def check(subject: Subject) -> Iterator[Hit]:
    """Each `join` of a task with one need; one edge lets a task run under every rule alike."""
    for path, task in every_task(subject.keys):
        if len(task.needs) == 1 and task.join.mode != "all" and not task.cancel_rest:
            at = (*path, "join")
            message = f'"{path[-1]}" needs one task, so `join` says nothing'
            yield Hit(path=at, message=message, fixes=removal(subject.document, at), safe=True)


RULE = Rule(
    id="needless-join",
    summary="A task that needs one other has a `join`.",
    severity="info",
    why=(
        "`join` says which of several edges must be satisfied. Over one edge all of them mean the same, and readers look "
        "for a branch that is not there. `--fix` removes it."
    ),
    before="""\
name: bad
tasks:
  build: {run: make}
  clean: {needs: build.failed, join: any, run: make clean}
""",
    after="""\
name: good
tasks:
  build: {run: make}
  clean: {needs: build.failed, run: make clean}
""",
    check=check,
)
