"""The scopes of a loop that are to be undone, in windows: those that have nothing to undo must not all be one transaction."""

from __future__ import annotations

from engine.core.commands import FindChildren, GoOn
from engine.core.events import ChildrenDue, to_json
from engine.core.model import Task, TaskList
from engine.core.state import ScopeState, UndoRun
from engine.core.turn import CHECK_AFTER, Turn


def find(turn: Turn, task: Task, *, first: bool = False) -> None:
    """Ask for the next window; as many as this transaction has room for."""
    weight = 1 if task.body is None else _weight(task.body)
    turn.order(FindChildren(task=task.id, weight=weight, first=first))


def put_off(turn: Turn, undo: UndoRun) -> None:
    """There was no room left: have the next window found in a transaction of its own; should that be forgotten, the check notices."""
    turn.state["undo"] = {**undo, "windows": undo.get("windows", 0) + 1}
    run = turn.runs[undo["now"]].copy()
    run["timers"] = {**run.get("timers", {}), "check": turn.at + CHECK_AFTER}
    turn.put(undo["now"], run)
    turn.order(going_on(turn.instance, turn.context.scope, turn.state))


def taken_up(turn: Turn, undo: UndoRun) -> None:
    """The window is at hand."""
    run = turn.runs[undo["now"]]
    if "check" in run.get("timers", {}):
        found = run.copy()
        found["timers"] = {name: due for name, due in run["timers"].items() if name != "check"}
        if not found["timers"]:
            del found["timers"]
        turn.put(undo["now"], found)


def due(turn: Turn, event: ChildrenDue) -> bool:
    """The next window of a task's scopes. One that comes twice is not asked for again."""
    if not is_put_off(turn.state, event.task) or _how_far(turn.state) != event.after:
        return False
    find(turn, turn.list.tasks[event.task], first=True)
    return True


def is_put_off(state: ScopeState, task: str) -> bool:
    """Whether the next window of this task waits for a transaction of its own."""
    undo = state.get("undo")
    if undo is None or undo.get("now") != task or undo.get("scopes"):
        return False
    return "windows" in undo and "check" in state["tasks"][task].get("timers", {})


def going_on(instance: str, scope: str, state: ScopeState) -> GoOn:
    """What has the next window undone."""
    task = state["undo"]["now"]
    attempt = state["tasks"][task]["attempt"]
    due = ChildrenDue(task=task, attempt=attempt, what="undo", after=_how_far(state))
    return GoOn(instance=instance, scope=scope, event=to_json(due))


def _how_far(state: ScopeState) -> str:
    return str(state["undo"].get("windows", 0))


def _weight(body: TaskList) -> int:
    """Scopes that undoing one of these may change: itself, compensations and groups. Loops within it have windows of their own."""
    return 1 + sum(_below(task) for task in body.tasks.values() if task.undoable)


def _below(task: Task) -> int:
    if task.compensate is not None:
        return 1
    return _weight(task.body) if task.kind == "group" and task.body is not None else 0
