"""Which negative outcomes of a scope nobody handles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.core.joins import negative
from engine.core.keys import task_path
from engine.core.model import TaskList
from engine.core.outcomes import FAILED, SKIPPED
from engine.core.state import ScopeFailure, TaskRun


def unhandled(tasks: TaskList, runs: Mapping[str, TaskRun], scope: str, *, stopped: bool = False) -> list[ScopeFailure]:
    """The negative outcomes that no task handles or may still handle, in file order.

    One is handled when a task with an edge for exactly that label runs; a listener still pending may yet do so, and one
    whose own `if` could not be evaluated has run as far as this goes: it failed itself. In a scope that was `stopped`,
    one that was pending then might have.
    """
    found: list[ScopeFailure] = []
    for name, task in tasks.tasks.items():
        run = runs.get(name)
        if run is None or not negative(task, run) or heard(tasks, runs, name, run["state"], stopped=stopped):
            continue
        failure: ScopeFailure = {"path": task_path(scope, name), "outcome": run["state"]}
        if "error" in run:
            failure["error"] = run["error"]
        found.append(failure)
    return found


def before_the_stop(
    tasks: TaskList, runs: Mapping[str, TaskRun], scope: str, known: Sequence[ScopeFailure]
) -> list[ScopeFailure]:
    """What a scope that was stopped ends with: what had failed in it by then (`known`), and what had failed further down.

    Only that makes a task with scopes of its own `failed` once it is told to stop. How a leaf ends then says nothing.
    """
    paths = {failure["path"] for failure in known}
    below = {task_path(scope, name) for name, task in tasks.tasks.items() if task.body is not None}
    later = [
        failure
        for failure in unhandled(tasks, runs, scope, stopped=True)
        if failure["path"] in below - paths and failure["outcome"] == FAILED
    ]
    return [*known, *later]


def heard(tasks: TaskList, runs: Mapping[str, TaskRun], source: str, outcome: str, *, stopped: bool = False) -> bool:
    """Whether a task with an edge for exactly this outcome runs, or may still run; or might have, had it not been `stopped`."""
    for follower in tasks.followers.get(source, ()):
        run = runs.get(follower)
        if run is not None and run["state"] == SKIPPED and not (stopped and run["skipped"]["cause"] == "scope"):
            continue
        if any(edge.source == source and edge.outcome == outcome for edge in tasks.tasks[follower].edges):
            return True
    return False
