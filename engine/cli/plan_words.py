"""What a plan says, in sentences: the same for the terminal and for a comment on a pull request."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from engine.app.plan.model import Affected, Break, KeyChange, Plan, ProjectChange, Runs, ScheduleChange, WorkflowChange
from engine.core.values import Json

SIGNS = {"added": "+", "removed": "-", "changed": "~"}
LONGEST = 160
"""Characters of a value that are shown."""
_WHERE = {
    "task": "the task",
    "webhook": "its webhook",
    "schedule": "its schedule",
    "event": "its event",
    "workflow": "its workflow trigger",
    "running": "the task",
}


def summary(plan: Plan) -> str:
    """One sentence about all of it."""
    if plan.empty:
        return "Nothing changes."
    counts = [(what, sum(one.change == what for one in plan.workflows)) for what in ("added", "changed", "removed")]
    parts = [f"{number} {what}" for what, number in counts if number]
    said = f"Workflows: {', '.join(parts)}." if parts else "No workflow changes."
    if plan.project:
        said += " project.yaml changes."
    if plan.breaking:
        said += f" {len(plan.breaking)} breaking."
    return said


def value(found: Json) -> str:
    """A value on one line, cut where it is long."""
    shown = found if isinstance(found, str) else orjson.dumps(found).decode()
    shown = " ".join(shown.split())
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


def key(one: KeyChange | ProjectChange) -> str:
    """What became of a value, without the key's name."""
    if one.change == "added":
        return value(one.after)
    return f"was {value(one.before)}" if one.change == "removed" else f"{value(one.before)} → {value(one.after)}"


def broken(one: Break) -> str:
    """What breaks, without whom."""
    if one.kind == "source-removed":
        return f"the webhook source {one.subject} {one.message}"
    if one.kind == "workflow-removed":
        return f"{one.workflow} {one.message}"
    what = {"input": "input ", "output": "output ", "trigger": ""}[one.kind.partition("-")[0]]
    return f"{one.workflow}: {what}{one.subject} {one.message}"


def hit(one: Affected) -> str:
    """Somebody who is affected."""
    return f"{one.path}: {_WHERE[one.kind]} {one.where} of {one.workflow} {one.message}"


def strangers(one: Break) -> str:
    """Of those that nobody can name."""
    return "whoever starts it by API, or sends what starts it, may be affected too" if one.strangers else ""


def runs(found: Runs | None) -> str:
    """A schedule and its next times."""
    if found is None:
        return "—"
    times = [at[:16].replace("T", " ") for at in found.next]
    return f"{found.cron} ({found.timezone}): {', '.join(times) or 'never'}"


def schedule(one: ScheduleChange) -> str:
    """What becomes of a schedule."""
    if one.change == "changed":
        return f"{runs(one.before)} → {runs(one.after)}"
    return runs(one.after or one.before)


def still_running(one: WorkflowChange) -> str:
    """Instances that go on with the version they have; nothing where there are none."""
    return f"{_counted(one.running)} on the version they began with" if one.running else ""


def _counted(states: Mapping[str, int]) -> str:
    number = sum(states.values())
    told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    return f"{number} instance{'s go' if number > 1 else ' goes'} on ({told})"


def touched(one: ProjectChange) -> str:
    """Who uses a value of project.yaml."""
    return f"used by {', '.join(one.touches)}" if one.touches else ""
