"""Retrying what has settled: its unhandled failures, or chosen tasks, and all after them are pending again (LANGUAGE, "Edges")."""

from __future__ import annotations

from collections.abc import Collection

from engine.core import gates
from engine.core.commands import TellChildren, TellScope
from engine.core.events import RetryRequested, to_json
from engine.core.failures import unhandled
from engine.core.flow import consider_all
from engine.core.keys import ROOT, iteration_scope, split_path
from engine.core.model import Task
from engine.core.outcomes import CANCELLED, is_positive
from engine.core.state import CarriedRun, ScopeState, TaskRun
from engine.core.turn import CHECK_AFTER, Turn

_OF_THE_END = (
    "outcome",
    "outputs",
    "error",
    "failures",
    "finished_at",
    "cancel",
    "exit",
    "undo",
    "undone",
    "done",
    "timers",
    "idle",
)
"""What a scope has only because it has ended."""


def retry(turn: Turn, event: RetryRequested) -> bool:
    """Reopen a settled scope. Tasks to be run anew lose their outcome; those with failed scopes have these reopened."""
    state = turn.state
    wanted = dict.fromkeys(name for path in event.tasks if (name := _first(path)) in turn.runs)
    failed = dict.fromkeys(_failed(turn))
    chosen = wanted or failed
    undone = [name for name, run in turn.runs.items() if run.get("undone")]
    if not chosen and not undone and "error" not in state:
        return False
    if not gates.reenter_instance(turn, event):
        return True
    anew = _after(turn, (*chosen, *undone))
    for name in _OF_THE_END:
        state.pop(name, None)  # type: ignore[misc] # names of keys that need not be there
    state["status"] = "running"
    state["runs"] = state.get("runs", 0) + 1
    _set_timeout(turn)
    for name in [name for name in turn.runs if name in anew or name in chosen or name in undone]:
        task, run = turn.list.tasks[name], turn.runs[name]
        inside = [path.partition("/")[2] for path in event.tasks if _first(path) == name and "/" in path]
        if task.body is not None and name not in anew and (inside or not is_positive(run["state"])):
            _reopen(turn, task, run, event, inside)
        else:
            _set_back(turn, name, run)
    consider_all(turn)
    return True


def carried(state: ScopeState) -> dict[str, CarriedRun]:
    """What the runs of a scope that starts anew leave behind."""
    found = dict(state.get("carried", {}))
    found.update((name, _carried(run)) for name, run in state["tasks"].items())
    return found


def _failed(turn: Turn) -> list[str]:
    """The tasks that made the scope fail; of one that was cancelled, those that were."""
    failures = {split_path(failure["path"])[1] for failure in unhandled(turn.list, turn.runs, turn.context.scope)}
    stopped = [
        name
        for name, run in turn.runs.items()
        if run["state"] == CANCELLED or run.get("skipped", {}).get("cause") == "scope"
    ]
    return [name for name in turn.runs if name in failures or name in stopped]


def _after(turn: Turn, names: Collection[str]) -> set[str]:
    """All that wait for these tasks, directly or not."""
    found: set[str] = set()
    left = list(names)
    while left:
        for follower in turn.list.followers.get(left.pop(), ()):
            if follower not in found:
                found.add(follower)
                left.append(follower)
    return found


def _reopen(turn: Turn, task: Task, run: TaskRun, event: RetryRequested, inside: list[str]) -> None:
    """A task with scopes goes on with those that did not succeed."""
    opened = run.copy()
    for name in ("error", "finished_at", "outputs", "called_off", "by", "undone"):
        opened.pop(name, None)  # type: ignore[misc] # as above
    opened["state"] = "running"
    opened["attempt"] = run["attempt"] + 1
    path = turn.path(task.id)
    below = to_json(RetryRequested(by=event.by, tasks=inside))
    if task.kind == "group":
        turn.put(task.id, opened)
        turn.order(TellScope(scope=path, event=below))
    elif task.kind == "repeat":
        counts = run["iterations"]
        opened["iterations"] = {**counts, "active": True}
        turn.put(task.id, opened)
        turn.order(TellScope(scope=iteration_scope(path, counts["number"]), event=below))
    else:
        items = run["items"]
        again = items["total"] if run.get("undone") else items["failed"]
        again = min(again, items["next"])
        opened["items"] = {
            "total": items["total"],
            "next": items["next"],
            "active": again,
            "busy": again,
            "succeeded": items["next"] - again,
            "failed": 0,
        }
        opened["timers"] = {"check": turn.at + CHECK_AFTER} if items["next"] < items["total"] else {}
        turn.put(task.id, opened)
        turn.order(TellChildren(task=task.id, attempt=opened["attempt"], what="retry", by=event.by))


def _set_back(turn: Turn, name: str, run: TaskRun) -> None:
    del turn.runs[name]
    turn.state["carried"] = {**turn.state.get("carried", {}), name: _carried(run)}


def _carried(run: TaskRun) -> CarriedRun:
    """Attempt numbers go on; what did its work before is told from a repeat by its generation."""
    generation = run.get("generation", 1) + (1 if is_positive(run["state"]) else 0)
    return {"attempt": run["attempt"], "generation": generation}


def _set_timeout(turn: Turn) -> None:
    span = turn.definition.timeout if turn.context.scope == ROOT else turn.list.timeout
    if span is not None:
        turn.state["timers"] = {"timeout": turn.at + span}


def _first(path: str) -> str:
    """The task of this scope that a path within it begins with."""
    return path.partition("/")[0].partition("[")[0].partition("#")[0]
