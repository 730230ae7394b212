"""A task whose edges contradict each other, or wait for what never happens, is dead weight that looks alive."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.rule import Hit, Rule, Subject


def check(subject: Subject) -> Iterator[Hit]:
    """Each task that can never run, other than for its own `if` or for one that it waits for."""
    for path, reason in subject.flow.never:
        yield Hit(path=path, message=f'"{path[-1]}" can never run: {reason}')


RULE = Rule(
    id="unreachable-task",
    summary="A task can never run.",
    severity="warning",
    why=(
        "What it waits for never happens: an approval expires only if it has `expires`, an event times out only if it has "
        "a `timeout`, and a task that runs after another one failed cannot also run after that one succeeded. What "
        "waits for such a task in turn is not reported."
    ),
    before="""\
name: bad
tasks:
  build: {run: make}
  repair: {needs: build.failed, run: make repair}
  ship: {needs: [build, repair], run: make ship}
""",
    after="""\
name: good
tasks:
  build: {run: make}
  repair: {needs: build.failed, run: make repair}
  ship: {needs: [build, repair], join: any, run: make ship}
""",
    check=check,
)
