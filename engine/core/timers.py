"""What happens when a timer of a scope or of one of its tasks is due."""

from __future__ import annotations

from collections.abc import Callable

from engine.core import admission, approvals, cancel, event_tasks, gates, iterations, retry
from engine.core.events import TimersDue
from engine.core.flow import flow
from engine.core.model import Task
from engine.core.outcomes import CANCELLED, FAILED, SUCCEEDED
from engine.core.state import TaskError, TaskRun, has_begun
from engine.core.turn import Turn


def due(turn: Turn, event: TimersDue) -> bool:
    """Let every timer that is due at `event.at` take effect, earliest first, as if each had been noticed in time.

    Checks are left alone: whoever looks at the leases answers them.
    """
    found = _due(turn, event.at)
    for when, _, owner, name in found:
        if owner is None:
            if turn.state.get("timers", {}).get(name) == when:
                OF_SCOPE[name](turn)
        else:
            run = turn.runs[owner]
            if run.get("timers", {}).get(name) == when:  # an earlier one may have ended the task
                EFFECTS[name](turn, turn.list.tasks[owner], run)
        flow(turn)
    return bool(found)


def _due(turn: Turn, at: int) -> list[tuple[int, int, str | None, str]]:
    found: list[tuple[int, int, str | None, str]] = []
    for position, (task, run) in enumerate(turn.runs.items()):
        for name, when in run.get("timers", {}).items():
            if when <= at and name in EFFECTS:
                found.append((when, position, task, name))
    for name, when in turn.state.get("timers", {}).items():
        if when <= at and name in OF_SCOPE:
            found.append((when, len(turn.runs), None, name))
    return sorted(found, key=lambda timer: timer[:2])


def _next(turn: Turn, task: Task, run: TaskRun) -> None:
    """The pause between two iterations is over."""
    iterations.go_on(turn, task, run)


def _timeout(turn: Turn, task: Task, run: TaskRun) -> None:
    """The attempt took too long: it failed, and may be tried again."""
    turn.call_off(task, run)
    retry.failed(turn, task, run, _took_too_long("attempt", task.timeout))


def _deadline(turn: Turn, task: Task, run: TaskRun) -> None:
    """The task took too long: it fails, between two attempts with the error of the last."""
    if task.body is not None and has_begun(run):
        late = run.copy()
        late["error"] = _took_too_long("task", task.deadline)
        cancel.call_off(turn, task, late, by="deadline")
        return
    turn.call_off(task, run)
    error = None if "retry" in run.get("timers", {}) else _took_too_long("task", task.deadline)
    turn.end(task.id, run, FAILED, error=error)


def _wait(turn: Turn, task: Task, run: TaskRun) -> None:
    turn.end(task.id, run, SUCCEEDED)


def _cancel(turn: Turn, task: Task, run: TaskRun) -> None:
    turn.end(task.id, run, CANCELLED)


def _took_too_long(what: str, allowed: int | None) -> TaskError:
    return {"kind": "timeout", "message": f"the {what} took longer than {(allowed or 0) / 1_000:g} s"}


EFFECTS: dict[str, Callable[[Turn, Task, TaskRun], None]] = {
    "timeout": _timeout,
    "deadline": _deadline,
    "retry": retry.again,
    "wait": _wait,
    "expiry": approvals.expire,
    "ask": approvals.ask_again,
    "event": event_tasks.timed_out,
    "cancel": _cancel,
    "next": _next,
    "gate": gates.ask_again,
    "rate": admission.its_turn,
}

OF_SCOPE: dict[str, Callable[[Turn], None]] = {"timeout": cancel.timed_out, "slot": gates.ask_again_for_instance}
