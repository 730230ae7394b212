"""A task that hangs is nobody's problem until others wait for it to end."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.bounds import unbounded
from engine.lint.rule import Hit, Rule, Subject


def check(subject: Subject) -> Iterator[Hit]:
    """Each task without any bound, in a workflow whose next instances wait for this one to end."""
    why = _waits(subject)
    for path in () if why is None else unbounded(subject.keys):
        yield Hit(path=path, message=f'nothing ends "{path[-1]}" if it hangs, and {why}; give it a `timeout`')


def _waits(subject: Subject) -> str | None:
    """What never happens again once an instance hangs."""
    concurrency = subject.keys.concurrency
    if concurrency is not None and concurrency.when_full != "cancel_running":
        return "no other instance of its concurrency group would run"
    if any(schedule.overlap in ("skip", "queue") for schedule in subject.keys.on.schedule):
        return "its schedule would start nothing more"
    return None


RULE = Rule(
    id="missing-timeout",
    summary="Nothing ends a task that hangs, and other instances wait for it.",
    severity="info",
    why=(
        "A schedule does not start an instance while the one before runs (`overlap`), and a `concurrency` group has so many "
        "slots: one task that hangs stops all that come after it, silently. A `timeout` or `deadline` of the task, "
        "of a group around it, of `defaults` or of the workflow ends it; the last does not reach `finally`."
    ),
    before="""\
name: bad
on: {schedule: [{cron: "0 2 * * *"}]}
tasks:
  load: {run: load-sales}
""",
    after="""\
name: good
on: {schedule: [{cron: "0 2 * * *"}]}
tasks:
  load: {run: load-sales, timeout: 1h}
""",
    check=check,
)
