"""Which negative outcomes of a scope nobody handles."""

from __future__ import annotations

from collections.abc import Mapping

from engine.core.joins import negative
from engine.core.keys import task_path
from engine.core.model import TaskList
from engine.core.outcomes import SKIPPED
from engine.core.state import ScopeFailure, TaskRun


def unhandled(tasks: TaskList, runs: Mapping[str, TaskRun], scope: str) -> list[ScopeFailure]:
    """The negative outcomes that no task handles or may still handle, in file order.

    One is handled when a task with an edge for exactly that label runs; a listener still pending may yet do so, and one
    whose own `if` could not be evaluated has run as far as this goes: it failed itself.
    """
    found: list[ScopeFailure] = []
    for name, task in tasks.tasks.items():
        run = runs.get(name)
        if run is None or not negative(task, run) or heard(tasks, runs, name, run["state"]):
            continue
        failure: ScopeFailure = {"path": task_path(scope, name), "outcome": run["state"]}
        if "error" in run:
            failure["error"] = run["error"]
        found.append(failure)
    return found


def heard(tasks: TaskList, runs: Mapping[str, TaskRun], source: str, outcome: str) -> bool:
    """Whether a task with an edge for exactly this outcome runs, or may still run."""
    for follower in tasks.followers.get(source, ()):
        run = runs.get(follower)
        if run is not None and run["state"] == SKIPPED:
            continue
        if any(edge.source == source and edge.outcome == outcome for edge in tasks.tasks[follower].edges):
            return True
    return False
