"""Tasks whose work is done in scopes of their own: groups, `for_each` and `repeat`."""

from __future__ import annotations

from typing import Protocol

from engine.core import groups, items, iterations, undo_windows
from engine.core.commands import GoOn, TellChildren
from engine.core.events import ChildrenDue, ItemsCollected, ScopeSettled, ScopeStirred
from engine.core.keys import owner
from engine.core.model import Task
from engine.core.state import ACTIVE, TaskRun
from engine.core.turn import CHECK_AFTER, Turn


class Body(Protocol):
    """One of the kinds: what happens when it begins, and when its scopes say something."""

    def begin(self, turn: Turn, task: Task, run: TaskRun) -> None:
        """Open the first scopes. Raises EvaluationError, ValueError."""
        ...

    def settled(self, turn: Turn, task: Task, run: TaskRun, event: ScopeSettled) -> None:
        """One of its scopes has ended."""
        ...

    def stirred(self, turn: Turn, task: Task, run: TaskRun, event: ScopeStirred) -> None:
        """In one of its scopes something runs again, or nothing does."""
        ...

    def go_on(self, turn: Turn, task: Task, run: TaskRun) -> None:
        """Open what can be opened: a pause is over, or a window."""
        ...

    def tell(self, turn: Turn, task: Task, run: TaskRun, told: TellChildren) -> None:
        """Have all its live scopes told."""
        ...


BODIES: dict[str, Body] = {"group": groups, "for_each": items, "repeat": iterations}


def settled(turn: Turn, event: ScopeSettled) -> bool:
    """A scope of one of this scope's tasks has ended."""
    found = _owner(turn, event.scope)
    if found is None:
        return False
    task, run = found
    if run["state"] in ACTIVE or run.get("items", {}).get("active", 0):
        BODIES[task.kind].settled(turn, task, run, event)
        return True
    return False


def stirred(turn: Turn, event: ScopeStirred) -> bool:
    """In a scope of one of this scope's tasks something runs again, or nothing does."""
    found = _owner(turn, event.scope)
    if found is None or found[1]["state"] not in ACTIVE:
        return False
    task, run = found
    BODIES[task.kind].stirred(turn, task, run, event)
    return True


def due(turn: Turn, event: ChildrenDue) -> bool:
    """The next window of a task's scopes."""
    task, run = turn.list.tasks.get(event.task), turn.runs.get(event.task)
    if task is None or run is None or run["attempt"] != event.attempt or task.kind not in BODIES:
        return False
    if event.what == "undo":
        return undo_windows.due(turn, event)
    if event.what == "open":
        if run["state"] not in ACTIVE or run.get("called_off") or turn.cancelling or _opened(run) != event.after:
            return False
        BODIES[task.kind].go_on(turn, task, run)
        return True
    if event.count is not None:
        if run["state"] not in ACTIVE or "items" not in run:
            return False
        items.told_again(turn, task, run, event)
        return True
    if not _is_wanted(turn, run, event):
        return False
    if not event.told:
        began = run.get("items", {}).get("began", 0)
        turn.order(TellChildren(task=task.id, attempt=run["attempt"], what=event.what, after=event.after, began=began))
    elif event.what == "resume":
        turn.put(task.id, _all_resumed(turn, run))
        items.ask_for_more(turn, task)
    return True


def _all_resumed(turn: Turn, run: TaskRun) -> TaskRun:
    """A retry that was still to be told to some when the pause began is still to be told."""
    told = run.copy()
    if _to_retry(run):
        told["telling"] = "retry"
    else:
        del told["telling"]
    if run["state"] not in ACTIVE and not turn.is_stopping(run):
        told.pop("timers", None)
    return told


def _to_retry(run: TaskRun) -> bool:
    return bool(run.get("items", {}).get("again"))


def _is_wanted(turn: Turn, run: TaskRun, event: ChildrenDue) -> bool:
    """Whether the next window is still to be told this. A resumption is, also once all are cancelled: it is for what they undo."""
    if event.what == "cancel":
        return turn.is_stopping(run) or bool(run.get("items", {}).get("closed"))
    if event.what == "retry":
        return _to_retry(run) and not turn.is_stopping(run)
    return run.get("telling") == "resume"


def collected(turn: Turn, event: ItemsCollected) -> bool:
    """The outputs of a task's items are at hand."""
    run = turn.runs.get(event.task)
    if run is None or run["attempt"] != event.attempt or "items" not in run or run["state"] not in ACTIVE:
        return False
    items.collected(turn, turn.list.tasks[event.task], run, event)
    return True


def going_on(instance: str, scope: str, task: Task, run: TaskRun) -> GoOn:
    """What has the next window of a task's scopes opened, in a transaction of its own."""
    going = items.going_on if "items" in run else iterations.going_on
    return going(instance, scope, task, run)


def unclaimed(turn: Turn, task: Task, run: TaskRun) -> bool:
    """A window that should have been opened, told or undone was not: again, with growing pauses."""
    waits = run.copy()
    resends = waits["resends"] = run.get("resends", 0) + 1
    waits["timers"] = {**run.get("timers", {}), "check": turn.at + min(CHECK_AFTER << min(resends, 10), 600_000)}
    turn.put(task.id, waits)
    if undo_windows.is_put_off(turn.state, task.id):
        turn.order(undo_windows.going_on(turn.instance, turn.context.scope, turn.state))
        return True
    active = run["state"] in ACTIVE  # else those that are left run on
    stopping = turn.is_stopping(run) or (active and run.get("items", {}).get("closed"))
    if stopping:
        turn.order(TellChildren(task=task.id, attempt=run["attempt"], what="cancel"))
    elif _to_retry(run):
        items.retry(turn, task, "", ())
    if run.get("telling") == "resume":
        turn.order(TellChildren(task=task.id, attempt=run["attempt"], what="resume"))
    if active and not stopping:
        BODIES[task.kind].go_on(turn, task, waits)
    return True


def _owner(turn: Turn, scope: str) -> tuple[Task, TaskRun] | None:
    found = owner(scope)
    if found is None:
        return None
    task, run = turn.list.tasks.get(found[1]), turn.runs.get(found[1])
    return None if task is None or run is None or task.kind not in BODIES else (task, run)


def _opened(run: TaskRun) -> str:
    """How far a task has come, as the `after` of the event that lets it go on says it."""
    if "items" in run:
        return str(run["items"]["next"])
    return str(run["iterations"]["number"]) if "iterations" in run else ""
