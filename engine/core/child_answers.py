"""What is heard of the instance that a `workflow` task started: it is there, it has ended."""

from __future__ import annotations

from engine.core import children, retry
from engine.core.events import ChildEnded, ChildStarted
from engine.core.model import Task
from engine.core.outcomes import CANCELLED, SUCCEEDED
from engine.core.state import TaskError, TaskRun
from engine.core.turn import CHECK_AFTER, Turn


def started(turn: Turn, event: ChildStarted) -> bool:
    """The instance is there. One that nobody wants any more is cancelled."""
    task, run = turn.list.tasks.get(event.task), turn.runs.get(event.task)
    if task is None or run is None or task.kind != children.KIND:
        return False
    if run["attempt"] != event.attempt or run["state"] != "queued" or not children.is_out(task, run):
        return _unwanted(turn, task, run, event)
    waits = run.copy()
    waits["state"] = "waiting"
    waits["child"] = event.child
    waits["started_at"] = turn.at
    waits["timers"] = {**run.get("timers", {}), "check": turn.at + CHECK_AFTER}
    waits.pop("resends", None)
    if children.is_called_off(turn.state, run):
        turn.commands.extend(children.stopping(turn.context, turn.state, task, waits))
    turn.put(task.id, waits)
    return True


def ended(turn: Turn, event: ChildEnded) -> bool:
    """The instance has ended, and its end is the attempt's."""
    task, run = turn.list.tasks.get(event.task), turn.runs.get(event.task)
    if (
        task is None
        or run is None
        or run["attempt"] != event.attempt
        or not children.is_out(task, run)
        or not task.wait
    ):
        return False
    known = run.copy()
    known["child"] = event.child
    known.setdefault("started_at", turn.at)
    if event.outcome == SUCCEEDED:
        turn.end(task.id, known, SUCCEEDED, outputs=event.outputs)
    elif event.outcome == CANCELLED:
        turn.end(task.id, known, CANCELLED)
    else:
        retry.failed(turn, task, known, _error(task, event))
    return True


def _unwanted(turn: Turn, task: Task, run: TaskRun, event: ChildStarted) -> bool:
    """An instance of an attempt that timed out before its instance was known."""
    if event.attempt > run["attempt"] or run.get("child") == event.child or not task.wait:
        return False
    late: TaskRun = {**run, "attempt": event.attempt, "child": event.child}
    turn.commands.extend(children.stopping(turn.context, turn.state, task, late))
    return True


def _error(task: Task, event: ChildEnded) -> TaskError:
    """The child's own error stands in the details, with the instance to look at."""
    details = {"instance": event.child, **({"error": event.error} if event.error else {})}
    message = f"the instance of {task.workflow} failed"
    if event.error is not None:
        message += f": {event.error['message']}"
    return {"kind": "child", "message": message, "details": details}
