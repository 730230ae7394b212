"""Somebody ends a task from outside."""

from __future__ import annotations

from engine.core import cancel
from engine.core.events import TaskResolved
from engine.core.state import ACTIVE
from engine.core.turn import Turn


def resolved(turn: Turn, event: TaskResolved) -> bool:
    """Cancel a task: one that waits ends at once, one that runs when its worker has stopped."""
    run = turn.runs.get(event.task)
    if run is None or run["state"] not in ACTIVE or turn.is_stopping(run) or event.resolution != "cancelled":
        return False
    resolved = run.copy()
    resolved["by"] = event.by
    if event.error is not None:
        resolved["error"] = event.error
    cancel.call_off(turn, turn.list.tasks[event.task], resolved, by=event.by)
    return True
