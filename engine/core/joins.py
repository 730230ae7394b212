"""When the edges of a task let it run (LANGUAGE, "Edges, outcomes, joins")."""

from __future__ import annotations

from collections.abc import Mapping

from engine.core.model import Edge, Task
from engine.core.outcomes import CANCELLED, DONE, NEGATIVE
from engine.core.state import ACTIVE, SkipReason, TaskRun

Runs = Mapping[str, TaskRun]
Tasks = Mapping[str, Task]


def join(task: Task, tasks: Tasks, runs: Runs) -> bool | None:
    """Whether the task runs (True), is skipped (False), or must wait for more of its sources (None)."""
    edges = task.edges
    satisfied = open_ = 0
    for edge in edges:
        run = runs.get(edge.source)
        if run is None or run["state"] in ACTIVE:
            open_ += 1
        elif satisfies(edge, run["state"]):
            satisfied += 1
    mode = task.join.mode
    if mode == "all":
        return None if satisfied + open_ == len(edges) and open_ else satisfied == len(edges)
    if mode == "merge":
        return None if open_ else satisfied > 0 and not _unaccepted(task, tasks, runs)
    wanted = 1 if mode == "any" else task.join.n
    if satisfied >= wanted:
        return True
    return None if satisfied + open_ >= wanted else False


def skip_reason(task: Task, tasks: Tasks, runs: Runs) -> SkipReason:
    """Which edge kept the task from running: the first that cannot be satisfied, for `merge` first a negative source's.

    None is named where `at_least` asks for more edges than there are.
    """
    edge = _unaccepted(task, tasks, runs) if task.join.mode == "merge" else None
    edge = edge or next((edge for edge in task.edges if _missed(edge, runs)), None)
    if edge is None:
        return {"cause": "edge"}
    return {"cause": "edge", "edge": f"{edge.source}.{edge.outcome}", "got": runs[edge.source]["state"]}


def negative(task: Task, run: TaskRun) -> bool:
    """Whether a task ended badly enough to fail its scope unless somebody handles it."""
    outcome = run["state"]
    if outcome not in NEGATIVE or run.get("called_off"):
        return False
    return outcome == CANCELLED or not task.continue_on_error


def satisfies(edge: Edge, outcome: str) -> bool:
    """Whether a source that ended so satisfies the edge."""
    if edge.outcome in (outcome, DONE):
        return True
    return edge.lenient and outcome in NEGATIVE and outcome != CANCELLED


def _missed(edge: Edge, runs: Runs) -> bool:
    run = runs.get(edge.source)
    return run is not None and run["state"] not in ACTIVE and not satisfies(edge, run["state"])


def _unaccepted(task: Task, tasks: Tasks, runs: Runs) -> Edge | None:
    """For `merge`, all sources having settled: an edge from a negative source that satisfies none of its edges here."""
    accepted = {edge.source for edge in task.edges if not _missed(edge, runs)}
    for edge in task.edges:
        if edge.source not in accepted and negative(tasks[edge.source], runs[edge.source]):
            return edge
    return None
