"""Ending a task from outside: somebody completed it, failed it or cancelled it, whoever is at work on it."""

from __future__ import annotations

from engine.core import cancel
from engine.core.events import TaskResolved
from engine.core.gates import BY
from engine.core.outcomes import FAILED, positive
from engine.core.state import ACTIVE, TaskRun
from engine.core.turn import Turn


def resolved(turn: Turn, event: TaskResolved) -> bool:
    """Only what is under way can be ended so, and no approval: that is for those who may decide it, or for a newer one.

    Tasks with scopes of their own can only be cancelled. What runs is told to stop; a cancelled task ends when it has.
    """
    task, run = turn.list.tasks.get(event.task), turn.runs.get(event.task)
    if task is None or run is None or run["state"] not in ACTIVE:
        return False
    if event.attempt is not None and event.attempt != run["attempt"]:
        return False
    if task.kind == "approval" and event.by != BY:
        return False
    resolved: TaskRun = run.copy()
    resolved["by"] = event.by
    if event.resolution == "cancelled":
        if turn.is_stopping(run):
            return False
        if event.error is not None:
            resolved["error"] = event.error
        cancel.call_off(turn, task, resolved, by=event.by)
        return True
    if task.body is not None:
        return False
    resolved.pop("cache_key", None)  # what somebody said is no result to be taken again
    turn.call_off(task, run)
    if event.resolution == "failed":
        error = event.error or {"kind": "fail", "message": f"{event.by} failed it"}
        turn.end(task.id, resolved, FAILED, error=error)
    else:
        turn.end(task.id, resolved, positive(task.kind), outputs=event.outputs)
    return True
