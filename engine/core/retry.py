"""What happens when an attempt failed or its worker was lost: another one, perhaps after a pause, or the end of the task."""

from __future__ import annotations

import zlib

from engine.core.begin import attempt
from engine.core.commands import CloseApproval, StopAwaiting
from engine.core.explain import explain, took_too_long
from engine.core.expressions.errors import EvaluationError
from engine.core.expressions.evaluate import condition
from engine.core.model import Retry, Task
from engine.core.names import names_for
from engine.core.outcomes import CANCELLED, FAILED
from engine.core.state import TaskError, TaskRun
from engine.core.turn import Turn

MAX_LOSSES = 5
JITTER = 0.1
"""Attempts that failed together are spread by this share of the pause, both ways."""


def failed(turn: Turn, task: Task, run: TaskRun, error: TaskError) -> None:
    """An attempt failed: the next one after its pause if the policy has one and it starts before the deadline."""
    used = run.get("used", 0) + 1
    counted = run.copy()
    counted["used"] = used
    if turn.is_stopping(run) or used >= task.retry.max_attempts:
        turn.end(task.id, counted, FAILED, error=error)
        return
    refusal = _refusal(turn, task, run, error)
    if refusal is not None:
        turn.end(task.id, counted, FAILED, error=refusal)
        return
    due = turn.at + pause(task.retry, used, f"{turn.instance}/{turn.path(task.id)}/{run['attempt']}")
    timers = run.get("timers", {})
    if "deadline" in timers and due > timers["deadline"]:
        turn.end(task.id, counted, FAILED, error=error)
        return
    if "approval" in counted:
        turn.order(CloseApproval(path=turn.path(task.id), attempt=run["attempt"], outcome=FAILED))
        del counted["approval"]
    if "waits_for" in counted:
        turn.order(StopAwaiting(path=turn.path(task.id), attempt=run["attempt"]))
        del counted["waits_for"]
    counted["error"] = error
    counted["state"] = "waiting"
    counted["timers"] = {**{name: timers[name] for name in ("deadline",) if name in timers}, "retry": due}
    if due <= turn.at:
        again(turn, task, counted)
    else:
        turn.put(task.id, counted)


def again(turn: Turn, task: Task, run: TaskRun) -> None:
    """Start the next attempt, its pause being over; not after the deadline, which may have passed unnoticed."""
    if run.get("timers", {}).get("deadline", turn.at) < turn.at:
        too_late(turn, task, run)
        return
    if turn.paused:
        _hold(turn, task, run)
    else:
        attempt(turn, task, _next(run))


def too_late(turn: Turn, task: Task, run: TaskRun) -> None:
    """The deadline passed between two attempts: the task fails with its last error; where nothing had failed, with that."""
    turn.end(task.id, run, FAILED, error=None if "error" in run else took_too_long("task", task.deadline))


def lost(turn: Turn, task: Task, run: TaskRun) -> None:
    """Its worker died: at once another attempt, which uses none of `max_attempts`; the task fails after too many losses.

    While the instance is paused the attempt waits, as any other would.
    """
    if turn.is_stopping(run):
        turn.end(task.id, run, CANCELLED)
        return
    losses = run.get("losses", 0) + 1
    counted = run.copy()
    counted["losses"] = losses
    if losses >= MAX_LOSSES:
        message = f"the worker was lost {losses} times"
        turn.end(task.id, counted, FAILED, error={"kind": "lost", "message": message})
    elif turn.paused:
        counted["state"] = "waiting"
        _hold(turn, task, counted)
    else:
        attempt(turn, task, _next(counted))


def pause(retry: Retry, failures: int, key: str) -> int:
    """Milliseconds before the next attempt: delay * backoff^(failures-1), spread by a hash of `key`, at most `max_delay`."""
    try:
        grown = min(retry.delay * retry.backoff ** (failures - 1), retry.max_delay)
    except OverflowError:
        grown = retry.max_delay
    spread = zlib.crc32(key.encode()) / 0xFFFFFFFF * 2 - 1
    return min(round(grown * (1 + JITTER * spread)), retry.max_delay)


def _hold(turn: Turn, task: Task, run: TaskRun) -> None:
    """The next attempt begins when the pause is over. Of the timers its deadline alone goes on."""
    held = run.copy()
    held["held"] = "again"
    held["timers"] = {name: due for name, due in run.get("timers", {}).items() if name == "deadline"}
    turn.put(task.id, held)


def _next(run: TaskRun) -> TaskRun:
    """The run with the next attempt's number, free of what belonged to the one before."""
    following = run.copy()
    following["attempt"] = run["attempt"] + 1
    following.pop("held", None)
    following.pop("resends", None)
    following.pop("started_at", None)
    following.pop("child", None)
    return following


def _refusal(turn: Turn, task: Task, run: TaskRun, error: TaskError) -> TaskError | None:
    """Why `retry.if` lets no further attempt be made: the error itself, or that the condition cannot be evaluated."""
    asked = task.retry.condition
    if asked is None:
        return None
    known = names_for(turn.definition, turn.state, turn.context, task, run, error=error)
    try:
        return None if condition(asked, known) else error
    except EvaluationError as problem:
        return {**explain(problem), "details": {"attempt_error": error}}
