"""Pausing an instance: nothing new starts, what runs ends, and all that was held goes on when it is resumed, or cancelled."""

from __future__ import annotations

from engine.core import begin, cancel, gates, retry, undo
from engine.core.bodies import BODIES
from engine.core.commands import TellChildren, TellScope
from engine.core.events import CancelRequested, PauseRequested, ResumeRequested, to_json
from engine.core.keys import FINALLY, ROOT
from engine.core.model import Task
from engine.core.state import ACTIVE, CancelRun, TaskRun, has_begun
from engine.core.turn import Turn


def requested(turn: Turn, event: PauseRequested) -> bool:
    """Somebody wants the instance to pause."""
    if turn.context.scope != ROOT or "paused" in turn.state:
        return False
    paused: CancelRun = {"by": event.by, "at": turn.at}
    if event.reason:
        paused["reason"] = event.reason
    turn.state["paused"] = paused
    return True


def resumed(turn: Turn, event: ResumeRequested) -> bool:
    """The pause is over: what was held here goes on, and the scopes below are told."""
    if turn.context.scope == ROOT:
        if "paused" not in turn.state:
            return False
        del turn.state["paused"]
    for name, task in turn.list.tasks.items():
        if name in turn.runs:
            _go_on(turn, task, turn.runs[name], event)
    for scope in _below(turn):
        turn.order(TellScope(scope=scope, event=to_json(ResumeRequested(by=event.by))))
    return True


def cancelled(turn: Turn, event: CancelRequested) -> bool:
    """Somebody wants the scope to end. That ends a pause of the instance: what is undone over it, and `finally`, wait for nobody.

    What was held is called off first, so nothing else starts.
    """
    if event.attempt is not None and event.attempt != gates.instance_attempt(turn):
        return False
    taken = cancel.requested(turn, event)
    lifted = "paused" in turn.state and resumed(turn, ResumeRequested(by=event.by))
    return taken or lifted


def _go_on(turn: Turn, task: Task, run: TaskRun, event: ResumeRequested) -> None:
    held = run.get("held")
    if held is not None:
        freed = run.copy()
        del freed["held"]
        if held == "begin":
            begin.start(turn, task, freed)
        elif held in ("gate", "again"):
            retry.again(turn, task, freed)
        else:
            BODIES[task.kind].go_on(turn, task, freed)
    if has_begun(run) and task.body is not None and (run["state"] in ACTIVE or run.get("items", {}).get("active")):
        told = TellChildren(task=task.id, attempt=run["attempt"], what="resume", by=event.by)
        BODIES[task.kind].tell(turn, task, turn.runs[task.id], told)


def _below(turn: Turn) -> list[str]:
    """Scopes below that belong to no task that runs: `finally`, or what is being undone."""
    if turn.state["status"] == "finally":
        return [FINALLY]
    return undo.working(turn)
