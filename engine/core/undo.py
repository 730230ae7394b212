"""Compensation: a scope that fails or is cancelled undoes what ended well in it, newest first, one at a time (LANGUAGE)."""

from __future__ import annotations

from collections.abc import Sequence

from engine.core import undo_windows
from engine.core.commands import ForgetOutputs, OpenScope, TellScope
from engine.core.events import ChildrenFound, ScopeSettled, UndoRequested, to_json
from engine.core.keys import COMPENSATE, compensation_scope, owner
from engine.core.model import Task
from engine.core.outcomes import is_positive
from engine.core.state import ScopeFailure, TaskRun, UndoRun
from engine.core.turn import Turn
from engine.core.values import JsonObject

KEPT = 5
"""Compensations that failed of which a scope tells the one above."""


def begin(turn: Turn) -> None:
    """Begin with the task that ended last, if there is anything to undo."""
    order = {name: position for position, name in enumerate(turn.list.tasks)}
    left = [name for name, task in turn.list.tasks.items() if task.undoable and _has_effects(task, turn.runs.get(name))]
    left.sort(key=lambda name: (turn.runs[name].get("finished_at", 0), order[name]))
    if left:
        turn.state["undo"] = {"left": left}
        _next(turn)


def note_failed(turn: Turn, failures: Sequence[ScopeFailure]) -> None:
    """Keep the first few compensations that failed, here or below."""
    if failures:
        turn.state["not_undone"] = [*turn.state.get("not_undone", []), *failures][:KEPT]


def is_under_way(turn: Turn) -> bool:
    """Whether something is being undone."""
    return "now" in turn.state.get("undo", {})


def working(turn: Turn) -> list[str]:
    """The scope in which something is being undone, if there is one."""
    undo = turn.state.get("undo", {})
    if "now" not in undo:
        return []
    task, path = turn.list.tasks[undo["now"]], turn.path(undo["now"])
    if _compensates(task, turn.runs[task.id]):
        return [compensation_scope(path)]
    return [path] if task.kind == "group" else undo.get("scopes", [])[-1:]


def found(turn: Turn, event: ChildrenFound) -> bool:
    """The scopes of the task that is being undone; none are left when it is."""
    undo = turn.state.get("undo")
    if undo is None or undo.get("now") != event.task or undo.get("scopes"):
        return False
    if event.later:
        undo_windows.put_off(turn, undo)
        return True
    undo_windows.taken_up(turn, undo)
    if event.scopes:
        turn.state["undo"] = {**undo, "scopes": list(event.scopes)}
        turn.order(TellScope(scope=event.scopes[-1], event=to_json(UndoRequested())))
    else:
        _done(turn)
    return True


def undone(turn: Turn, event: ScopeSettled) -> bool:
    """One scope is through: that of a compensation, or one whose effects were undone."""
    undo = turn.state.get("undo")
    if undo is None or "now" not in undo:
        return False
    compensation = event.scope.rpartition("/")[2] == COMPENSATE
    if not (compensation or event.undone) or owner(event.scope) != (turn.context.scope, undo["now"]):
        return False
    changed: UndoRun = undo.copy()
    if (event.outcome != "succeeded" and compensation) or (event.failures and not compensation):
        changed["failures"] = [*undo.get("failures", []), *event.failures]
        if not event.failures:
            changed["failures"].append({"path": event.scope, "outcome": event.outcome})
    scopes = changed.pop("scopes", [])[:-1]
    turn.state["undo"] = changed
    if scopes:
        changed["scopes"] = scopes
        turn.order(TellScope(scope=scopes[-1], event=to_json(UndoRequested())))
    elif turn.list.tasks[undo["now"]].kind in ("for_each", "repeat") and not compensation:
        undo_windows.find(turn, turn.list.tasks[undo["now"]])
    else:
        _done(turn)
    return True


def _has_effects(task: Task, run: TaskRun | None) -> bool:
    """Whether a task that can be undone has to be: what it did itself, or what was done below it."""
    if run is None or run.get("undone") or run.get("cached"):
        return False
    if _compensates(task, run):
        return True
    if task.body is None or not any(inner.undoable for inner in task.body.tasks.values()):
        return False
    if task.kind == "group":  # one that failed has undone itself
        return is_positive(run["state"])
    return "items" in run or "iterations" in run


def _compensates(task: Task, run: TaskRun) -> bool:
    """Whether the task has something of its own that undoes it, in place of what its children have."""
    return task.compensate is not None and is_positive(run["state"])


def _next(turn: Turn) -> None:
    """Undo the newest task that is left."""
    undo = turn.state["undo"]
    if not undo["left"]:
        rest = undo.copy()
        rest.pop("now", None)
        turn.state["undo"] = rest
        return
    name = undo["left"][-1]
    turn.state["undo"] = {**undo, "left": undo["left"][:-1], "now": name}
    task, path = turn.list.tasks[name], turn.path(name)
    if _compensates(task, turn.runs[name]):
        _forget(turn, task, turn.runs[name])
        outputs: JsonObject = {"outputs": turn.runs[name].get("outputs", {})}
        turn.order(OpenScope(scope=compensation_scope(path), locals=outputs, again=turn.reopened))
    elif task.kind == "group":
        turn.order(TellScope(scope=path, event=to_json(UndoRequested())))
    else:
        undo_windows.find(turn, task)


def _forget(turn: Turn, task: Task, run: TaskRun) -> None:
    """What is undone is no result that a later run may take. Who has taken it before is not known."""
    if "cache_key" in run:
        turn.order(ForgetOutputs(path=turn.path(task.id), key=run["cache_key"]))
    if task.body is not None and task.keeps:
        turn.order(ForgetOutputs(path=turn.path(task.id)))


def _done(turn: Turn) -> None:
    name = turn.state["undo"]["now"]
    run = turn.runs[name].copy()
    run["undone"] = True
    turn.put(name, run)
    _next(turn)
