"""What happens when a timer of a scope or of one of its tasks is due."""

from __future__ import annotations

from collections.abc import Callable

from engine.core import admission, approvals, begin, cancel, event_tasks, gates, iterations, retry
from engine.core.events import TimersDue
from engine.core.explain import took_too_long
from engine.core.flow import flow
from engine.core.model import Task
from engine.core.outcomes import CANCELLED, FAILED, SUCCEEDED
from engine.core.state import TaskRun, has_begun
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
    retry.failed(turn, task, run, took_too_long("attempt", task.timeout))


def _deadline(turn: Turn, task: Task, run: TaskRun) -> None:
    """The task took too long: it fails, between two attempts with the error of the last. One that is held before its first has
    its `if` evaluated still, and then does not begin: who does not want it need not hear of its deadline.
    """
    if run.get("held") == "begin":
        begin.start(turn, task, run)
        return
    if task.body is not None and has_begun(run):
        late = run.copy()
        late["error"] = took_too_long("task", task.deadline)
        cancel.call_off(turn, task, late, by="deadline")
        return
    turn.call_off(task, run)
    if "retry" in run.get("timers", {}) or "held" in run:
        retry.too_late(turn, task, run)
    else:
        turn.end(task.id, run, FAILED, error=took_too_long("task", task.deadline))


def _wait(turn: Turn, task: Task, run: TaskRun) -> None:
    turn.end(task.id, run, SUCCEEDED)


def _cancel(turn: Turn, task: Task, run: TaskRun) -> None:
    turn.end(task.id, run, CANCELLED)


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
