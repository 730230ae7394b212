"""Retrying a task with scopes: it goes on with those that did not succeed, and with those that are named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from engine.core import items, iterations
from engine.core.commands import TellScope
from engine.core.events import RetryRequested, to_json
from engine.core.keys import item_scope, iteration_scope
from engine.core.model import Task
from engine.core.outcomes import FAILED, is_positive
from engine.core.state import ItemsRun, TaskError, TaskRun
from engine.core.turn import CHECK_AFTER, Turn

_PATH = re.compile(r"(?P<task>[^/\[#]*)(?P<below>.*)", re.DOTALL)
_BELOW = re.compile(r"(?:\[(?P<key>[^\]]*)\]|#(?P<number>\d+))?(?P<rest>.*)", re.DOTALL)
_OF_ITS_END = ("error", "finished_at", "outputs", "called_off", "by", "undone", "telling")


class Chosen(NamedTuple):
    """What a path within a scope names: a task, and what is below it."""

    task: str
    below: str

    @staticmethod
    def of(path: str) -> Chosen:
        """Taken apart: `deploy[eu]/roll` is below `deploy`."""
        found = _PATH.fullmatch(path)
        return Chosen(path, "") if found is None else Chosen(found["task"], found["below"])


def can(task: Task, run: TaskRun) -> bool:
    """Whether there are scopes in which the task can go on; else it begins anew."""
    if task.body is None or "started_at" not in run:
        return False
    if run.get("undone") and is_positive(run["state"]) and task.compensate is not None:
        return False  # it was undone as a whole
    if task.kind == "group":
        return True
    return "items" in run if task.kind == "for_each" else _has_next(task, run)


def reopen(turn: Turn, task: Task, run: TaskRun, by: str, below: Sequence[str]) -> None:
    """Have the task go on. `below`: what is named below it, as `Chosen` says it."""
    opened = run.copy()
    for name in _OF_ITS_END:
        opened.pop(name, None)  # type: ignore[misc] # names of keys that need not be there
    opened["state"] = "running"
    opened["attempt"] = run["attempt"] + 1
    opened["timers"] = {} if task.deadline is None else {"deadline": turn.at + task.deadline}
    if task.kind == "group":
        turn.put(task.id, opened)
        _tell(turn, turn.path(task.id), by, opened, (path.removeprefix("/") for path in below))
    elif task.kind == "repeat":
        _repeat(turn, task, opened, by, below)
    elif (error := _unreadable(turn, task, opened, below)) is not None:
        if run.get("undone"):
            opened["undone"] = True  # nothing of it goes on
        turn.end(task.id, opened, FAILED, error=error)
    else:
        opened["items"] = _left(run)
        _for_each(turn, task, opened, by, below)


def _repeat(turn: Turn, task: Task, run: TaskRun, by: str, below: Sequence[str]) -> None:
    """The iteration that failed, or the first one that is named; those after it follow anew."""
    counts = run["iterations"]
    named = _named(task, below, "number")
    if not named and not counts.get("failed"):
        turn.put(task.id, run)
        iterations.go_on(turn, task, run)
        return
    number = min((int(name) for name in named), default=counts["number"])
    run["iterations"] = {**counts, "number": number, "active": True}
    run["iterations"].pop("failed", None)
    turn.put(task.id, run)
    _tell(turn, iteration_scope(turn.path(task.id), number), by, run, named.get(str(number), ()))


def _left(run: TaskRun) -> ItemsRun:
    """What remains of the counts where those that failed or were undone go on."""
    counts = run["items"]
    again = counts["next"] if run.get("undone") else counts["failed"]
    left: ItemsRun = {
        "total": counts["total"],
        "next": counts["next"],
        "active": 0,
        "busy": 0,
        "succeeded": counts["next"] - again,
        "failed": 0,
        "again": again,
    }
    if "began" in counts:
        left["began"] = counts["began"]
    return left


def _unreadable(turn: Turn, task: Task, run: TaskRun, below: Sequence[str]) -> TaskError | None:
    """Why the list cannot be read any more, if it is to be read: for items to be opened, or for named ones."""
    wanted = below or run["items"]["next"] < run["items"]["total"]
    return items.unreadable(turn, task, run) if wanted else None


def _for_each(turn: Turn, task: Task, run: TaskRun, by: str, below: Sequence[str]) -> None:
    """All items that failed or were undone, those that were never opened, and those that are named."""
    again = run["items"]["again"]
    bounded = task.for_each is not None and task.for_each.max_parallel is not None
    if again > items.WINDOW or (again and bounded):
        run["telling"] = "retry"
        run["timers"] = {**run.get("timers", {}), "check": turn.at + CHECK_AFTER}
    named = {key: paths for key, paths in _named(task, below, "key").items() if items.is_open(turn, task, run, key)}
    run["items"] = {**run["items"], "active": len(named), "busy": len(named)}
    items.go_on(turn, task, run)
    for key, paths in named.items():
        _tell(turn, item_scope(turn.path(task.id), key), by, run, paths)
    if again:
        path = turn.path(task.id)
        items.retry(turn, task, by, [item_scope(path, key) for key in named])
    elif not named:
        items.end_if_over(turn, task)


def _has_next(task: Task, run: TaskRun) -> bool:
    """Whether a `repeat` can go on with its last iteration, or with another; not behind what was undone."""
    counts = run.get("iterations")
    if counts is None or (run.get("undone") and counts["number"] > 1):
        return False
    most = task.repeat.max_iterations if task.repeat is not None else 0
    return bool(counts.get("failed")) or counts["number"] < most or is_positive(run["state"])


def _named(task: Task, below: Sequence[str], part: str) -> dict[str, list[str]]:
    """The items or iterations that are named, and the paths within each."""
    found: dict[str, list[str]] = {}
    for path in below:
        taken = _BELOW.fullmatch(path)
        if taken is None or not taken[part]:
            continue
        if taken["rest"] or (task.body is not None and "" in task.body.tasks):
            found.setdefault(taken[part], []).append(taken["rest"].removeprefix("/"))
    return found


def _tell(turn: Turn, scope: str, by: str, run: TaskRun, tasks: Iterable[str]) -> None:
    told = RetryRequested(by=by, tasks=list(tasks), round=run["attempt"])
    turn.order(TellScope(scope=scope, event=to_json(told)))
