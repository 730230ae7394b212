"""Ending a scope before its time: nothing new starts, what waits ends at once, what runs is told to stop and gets some grace."""

from __future__ import annotations

from engine.core import children
from engine.core.bodies import BODIES
from engine.core.commands import CancelScope, TellChildren
from engine.core.events import CancelRequested
from engine.core.explain import took_too_long
from engine.core.failures import unhandled
from engine.core.keys import FINALLY, ROOT
from engine.core.model import Task
from engine.core.outcomes import CANCELLED
from engine.core.settle import never_started
from engine.core.state import ACTIVE, CancelRun, TaskRun, has_begun
from engine.core.turn import Turn

GRACE = 15_000
"""Milliseconds that running attempts have to end before they are taken for cancelled."""


def requested(turn: Turn, event: CancelRequested) -> bool:
    """Somebody wants the scope to end. At the root, while `finally` runs, that is what is cancelled.

    What is being undone is undone to its end.
    """
    if "reopening" in turn.state:
        never_started(turn, "cancelled")
        return True
    if "cancel" in turn.state or turn.cancelling or turn.state["status"] == "compensating":
        return False
    cancel: CancelRun = {"by": event.by, "at": turn.at}
    if event.reason:
        cancel["reason"] = event.reason
    turn.state["cancel"] = cancel
    if turn.state["status"] == "queued":
        never_started(turn, "cancelled")
    elif turn.state["status"] == "finally":
        turn.order(CancelScope(scope=FINALLY, by=event.by, reason=event.reason))
    else:
        stop(turn, by=event.by, reason=event.reason)
    return True


def timed_out(turn: Turn) -> None:
    """The scope took longer than its `timeout`: it ends like a cancelled one, but has failed."""
    root = turn.context.scope == ROOT
    what = "workflow" if root else f"scope {turn.context.scope}"
    turn.state["error"] = took_too_long(what, turn.definition.timeout if root else turn.list.timeout)
    stop(turn, by="timeout")


def stop(turn: Turn, *, by: str, reason: str = "", own: bool = False) -> None:
    """Start the cancelling. Negative outcomes unhandled until now, here and below, stay what the scope ends with.

    `own`: the scope itself wants it, so the leaves that it cancels have not ended badly.
    """
    failures = unhandled(turn.list, turn.runs, turn.context.scope)
    if failures:
        turn.state["failures"] = failures
    turn.state["status"] = "cancelling"
    turn.state.pop("timers", None)
    for name, task in turn.list.tasks.items():
        run = turn.runs.get(name)
        if run is None:
            turn.skip(name, {"cause": "scope"})
        elif run["state"] in ACTIVE or run.get("items", {}).get("active"):
            call_off(turn, task, run, by=by, reason=reason, own=own and task.body is None)


def rest(turn: Turn, task: Task) -> None:
    """`cancel_rest`: the sources of a join that is decided are not needed any more."""
    for edge in task.edges:
        run = turn.runs.get(edge.source)
        if run is None:
            turn.skip(edge.source, {"cause": "rest"})
        elif run["state"] in ACTIVE and not run.get("called_off"):
            call_off(turn, turn.list.tasks[edge.source], run, by=task.id, own=True)


def call_off(turn: Turn, task: Task, run: TaskRun, *, by: str, reason: str = "", own: bool = False) -> None:
    """Cancel one task that has not ended: at once if it waits, else as soon as who is at work on it has stopped."""
    changed = run.copy()
    if own:
        changed["called_off"] = True
    if task.body is not None and has_begun(run):
        changed["timers"] = {}
        turn.put(task.id, changed)
        told = TellChildren(task=task.id, attempt=run["attempt"], what="cancel", by=by, reason=reason)
        BODIES[task.kind].tell(turn, task, changed, told)
    elif children.is_out(task, changed):
        children.call_off(turn, task, changed)
    elif run["state"] == "waiting" or "gate" in run:
        turn.end(task.id, changed, CANCELLED)
    else:
        turn.call_off(task, run)
        changed["timers"] = {"cancel": turn.at + GRACE}
        turn.put(task.id, changed)
