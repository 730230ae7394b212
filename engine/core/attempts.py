"""What is heard of an attempt: it started, ended, lives, was lost or was never taken up. Fenced by its number."""

from __future__ import annotations

from collections.abc import Sequence

from engine.core import approvals, begin, bodies, children, event_tasks, retry
from engine.core.commands import Outbound
from engine.core.events import (
    AttemptAlive,
    AttemptLost,
    AttemptUnclaimed,
    TaskCancelled,
    TaskFailed,
    TaskStarted,
    TaskSucceeded,
)
from engine.core.explain import explain
from engine.core.expressions.errors import EvaluationError
from engine.core.model import Task
from engine.core.outcomes import CANCELLED, FAILED, SUCCEEDED
from engine.core.state import TaskRun
from engine.core.turn import CHECK_AFTER, Turn

CHECK_ALIVE = 20_000
"""Milliseconds between two looks at the lease of a running attempt."""
CHECK_AT_MOST = 600_000
"""The longest pause before an attempt that nobody takes up is asked for again."""
TIMEOUT_GRACE = 5_000
"""Milliseconds that a worker has to report a timeout before the attempt is taken for failed."""


def started(turn: Turn, event: TaskStarted) -> bool:
    """A worker is at it for a while: from now on its lease is watched, and its timeout as a safety net."""
    run = _out(turn, event.task, event.attempt)
    if run is None or run["state"] != "queued":
        return False
    running = run.copy()
    running["state"] = "running"
    running["started_at"] = turn.at
    timers = running["timers"] = run.get("timers", {}).copy()
    if not turn.is_stopping(run):
        timers["check"] = turn.at + CHECK_ALIVE
        timeout = turn.list.tasks[event.task].timeout
        if timeout is not None:
            timers["timeout"] = turn.at + timeout + TIMEOUT_GRACE
    turn.put(event.task, running)
    return True


def succeeded(turn: Turn, event: TaskSucceeded) -> bool:
    """It did its work; that counts even while the scope is being cancelled."""
    run = _out(turn, event.task, event.attempt)
    if run is None:
        return False
    turn.end(event.task, run, SUCCEEDED, outputs=event.outputs)
    return True


def failed(turn: Turn, event: TaskFailed) -> bool:
    """It failed; the task may try again."""
    run = _out(turn, event.task, event.attempt)
    if run is None:
        return False
    retry.failed(turn, turn.list.tasks[event.task], run, event.error)
    return True


def cancelled(turn: Turn, event: TaskCancelled) -> bool:
    """It was stopped."""
    run = _out(turn, event.task, event.attempt)
    if run is None:
        return False
    turn.end(event.task, run, CANCELLED)
    return True


def alive(turn: Turn, event: AttemptAlive) -> bool:
    """Somebody holds its lease: look again later."""
    run = _checked(turn, event.task, event.attempt)
    if run is None:
        return False
    _check_again(turn, event.task, run, CHECK_ALIVE)
    return True


def unclaimed(turn: Turn, event: AttemptUnclaimed) -> bool:
    """Nobody has taken it up: the message seems lost, so the same attempt is asked for again, with growing pauses."""
    run = _checked(turn, event.task, event.attempt)
    if run is None or (run["state"] == "running" and turn.list.tasks[event.task].body is None):
        return False
    task = turn.list.tasks[event.task]
    if task.body is not None:
        return bodies.unclaimed(turn, task, run)
    if approvals.is_unasked(run):
        turn.order(approvals.asking(turn.instance, turn.definition.name, turn.path(task.id), task, run))
    elif event_tasks.is_looking(run):
        turn.order(event_tasks.looking(turn.instance, turn.path(task.id), task, run))
    else:
        try:
            for order in _asked_again(turn, task, run):
                turn.order(order)
        except EvaluationError as error:  # it could be evaluated before, so this is an engine newer than the state
            turn.end(task.id, run, FAILED, error=explain(error))
            return True
    sent = run.copy()
    resends = sent["resends"] = run.get("resends", 0) + 1
    _check_again(turn, event.task, sent, min(CHECK_AFTER << min(resends, 10), CHECK_AT_MOST))
    return True


def lost(turn: Turn, event: AttemptLost) -> bool:
    """Its worker died. For an approval that is who should have told the approvers: they are told again."""
    run = _out(turn, event.task, event.attempt)
    if run is not None:
        retry.lost(turn, turn.list.tasks[event.task], run)
        return True
    return unclaimed(turn, AttemptUnclaimed(task=event.task, attempt=event.attempt, at=event.at))


def _asked_again(turn: Turn, task: Task, run: TaskRun) -> Sequence[Outbound]:
    if children.is_out(task, run):
        return children.outstanding(turn.definition, turn.state, turn.context, task, run)
    return [begin.command(turn.definition, turn.state, turn.context, task, run)]


def _out(turn: Turn, task: str, attempt: int) -> TaskRun | None:
    """The run, if this attempt of it is with a worker."""
    run = turn.runs.get(task)
    if run is None or run["attempt"] != attempt or run["state"] not in ("queued", "running") or "gate" in run:
        return None
    return None if turn.list.tasks[task].body is not None else run


def _checked(turn: Turn, task: str, attempt: int) -> TaskRun | None:
    """The run, if its check is due: an answer to an earlier check changes nothing."""
    run = turn.runs.get(task)
    if run is None or run["attempt"] != attempt:
        return None
    due = run.get("timers", {}).get("check")
    return run if due is not None and due <= turn.at else None


def _check_again(turn: Turn, task: str, run: TaskRun, pause: int) -> None:
    checked = run.copy()
    checked["timers"] = {**run.get("timers", {}), "check": turn.at + pause}
    turn.put(task, checked)
