"""The order in which the keys of a workflow and of a task are written: that of the language reference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from engine.spec.nodes import Path

WORKFLOW = (
    "name",
    "description",
    "labels",
    "inputs",
    "checks",
    "on",
    "concurrency",
    "timeout",
    "fail_fast",
    "defaults",
    "tasks",
    "outputs",
    "finally",
)
TASK = (
    "id",
    "description",
    "needs",
    "join",
    "cancel_rest",
    "if",
    "for_each",
    "as",
    "key",
    "max_parallel",
    "enough",
    "rest",
    "fail_fast",
    "repeat",
    "uses",
    "run",
    "workflow",
    "switch",
    "with",
    "wait",
    "shell",
    "working_directory",
    "env",
    "outputs",
    "artifacts",
    "queue",
    "priority",
    "concurrency",
    "rate_limit",
    "cache",
    "retry",
    "timeout",
    "deadline",
    "continue_on_error",
    "tasks",
    "compensate",
)
LISTS = ("tasks", "finally")
ROOT, LIST, ITEM, UNDO, OTHER = "root", "list", "task", "undo", "other"

T = TypeVar("T")


def place(path: Path) -> str:
    """What stands at a path of a workflow file: the file's own map, a list of tasks, a task, what undoes one, or something else."""
    here = ROOT
    for step in path:
        if here == ROOT:
            here = LIST if step in LISTS else OTHER
        elif here == LIST:
            here = ITEM
        elif here == ITEM:
            here = {"tasks": LIST, "compensate": UNDO}.get(str(step), OTHER)
        else:
            return OTHER
    return here


def ordered(path: Path, entries: Iterable[tuple[str, T]]) -> Sequence[T]:
    """Keys with what belongs to them in the order of the reference; what it does not know stays behind, as it was."""
    keys = {ROOT: WORKFLOW, ITEM: TASK, UNDO: TASK}.get(place(path), ())
    rank = {key: number for number, key in enumerate(keys)}
    return [thing for _, thing in sorted(entries, key=lambda one: rank.get(one[0], len(rank)))]
