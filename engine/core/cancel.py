"""Ending a scope before its time: nothing new starts, what waits ends at once, what runs is told to stop and gets some grace."""

from __future__ import annotations

from engine.core.commands import CancelScope
from engine.core.events import CancelRequested
from engine.core.keys import FINALLY
from engine.core.outcomes import CANCELLED
from engine.core.settle import unhandled
from engine.core.state import CancelRun, TaskError
from engine.core.turn import Turn

GRACE = 15_000
"""Milliseconds that running attempts have to end before they are taken for cancelled."""


def requested(turn: Turn, event: CancelRequested) -> bool:
    """Somebody wants the scope to end. At the root, while `finally` runs, that is what is cancelled."""
    if "cancel" in turn.state or turn.cancelling:
        return False
    cancel: CancelRun = {"by": event.by, "at": turn.at}
    if event.reason:
        cancel["reason"] = event.reason
    turn.state["cancel"] = cancel
    if turn.state["status"] == "finally":
        turn.order(CancelScope(scope=FINALLY, by=event.by, reason=event.reason))
    else:
        stop(turn)
    return True


def timed_out(turn: Turn) -> None:
    """The scope took longer than its `timeout`: it ends like a cancelled one, but has failed."""
    allowed = (turn.definition.timeout or 0) / 1_000
    error: TaskError = {"kind": "timeout", "message": f"the workflow took longer than {allowed:g} s"}
    turn.state["error"] = error
    stop(turn)


def stop(turn: Turn) -> None:
    """Start the cancelling. Negative outcomes unhandled until now stay what the scope ends with."""
    failures = unhandled(turn.list, turn.runs, turn.context.scope)
    if failures:
        turn.state["failures"] = failures
    turn.state["status"] = "cancelling"
    turn.state.pop("timers", None)
    for name, task in turn.list.tasks.items():
        run = turn.runs.get(name)
        if run is None:
            turn.skip(name, {"cause": "scope"})
        elif run["state"] == "waiting":
            turn.end(name, run, CANCELLED)
        elif run["state"] in ("queued", "running"):
            turn.call_off(task, run)
            called_off = run.copy()
            called_off["timers"] = {"cancel": turn.at + GRACE}
            turn.put(name, called_off)
