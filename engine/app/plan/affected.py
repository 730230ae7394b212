"""Whom a change reaches: those who start a workflow after it, and instances that go on as they were before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from engine.app.plan.model import Affected
from engine.app.plan.snapshot import Snapshot
from engine.app.plan.starters import Start

Running = Mapping[str, Mapping[str, int]]
"""Instances that have not ended, by workflow and state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """What is compared, and what runs on it now."""

    before: Snapshot
    after: Snapshot
    running: Running = field(default_factory=dict)


def affected(start: Start, message: str) -> Affected:
    """A place that starts the workflow."""
    return Affected(kind=start.kind, workflow=start.workflow, path=start.path, where=start.where, message=message)


def still_calling(calls: Iterable[Start], sides: Sides, message: str) -> Iterator[Affected]:
    """Callers of which instances run: they keep the version they began with, and start the newest of what they call."""
    for call in calls:
        number = sum(sides.running.get(call.workflow, {}).values())
        if number:
            told = f"{message}, in {number} of its instances that go on as they are"
            yield Affected(kind="running", workflow=call.workflow, path=call.path, where=call.where, message=told)
