"""LANGUAGE's "Edges, outcomes, joins" written a second time, slowly and from the text alone; shares no code with the engine."""

from __future__ import annotations

from collections.abc import Mapping

from engine.core.model import Task, TaskList

NEGATIVE = ("failed", "rejected", "expired", "timed_out", "cancelled")


def edge_satisfied(label: str, outcome: str) -> bool:
    if label == "done":
        return True
    return label == outcome  # a skipped source satisfies only `skipped` and `done`


def verdict(task: Task, outcomes: Mapping[str, str]) -> str:
    """`runs`, `skipped` or `open`; `outcomes` are those of the sources that have settled."""
    settled = [edge for edge in task.edges if edge.source in outcomes]
    unsettled = [edge for edge in task.edges if edge.source not in outcomes]
    good = [edge for edge in settled if edge_satisfied(edge.outcome, outcomes[edge.source])]
    bad = [edge for edge in settled if edge not in good]
    if task.join.mode == "all":
        if bad:
            return "skipped"
        return "open" if unsettled else "runs"
    if task.join.mode == "any":
        if good:
            return "runs"
        return "open" if unsettled else "skipped"
    if task.join.mode == "at_least":
        if len(good) >= task.join.n:
            return "runs"
        return "skipped" if len(good) + len(unsettled) < task.join.n else "open"
    if unsettled:
        return "open"
    for edge in settled:
        if outcomes[edge.source] in NEGATIVE and not any(other.source == edge.source for other in good):
            return "skipped"
    return "runs" if good else "skipped"


def unhandled(tasks: TaskList, outcomes: Mapping[str, str], ran: set[str]) -> set[str]:
    """Tasks with a negative outcome for which no task with an edge for exactly that label ran; everything has settled."""
    found = set()
    for name, outcome in outcomes.items():
        if outcome not in NEGATIVE:
            continue
        handlers = {
            listener.id
            for listener in tasks.tasks.values()
            for edge in listener.edges
            if edge.source == name and edge.outcome == outcome and edge.outcome != "done"
        }
        if not handlers & ran:
            found.add(name)
    return found


def settle_dag(tasks: TaskList, results: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """Outcomes of all tasks and of the scope, where `results` says how each task ends if its join lets it run.

    Tasks run one after the other, in list order, each time the first that may: joins do not depend on the order here
    because nothing is cancelled.
    """
    outcomes: dict[str, str] = {}
    ran: set[str] = set()
    left = list(tasks.tasks.values())
    while left:
        for task in left:
            answer = "runs" if not task.edges else verdict(task, outcomes)
            if answer != "open":
                break
        else:
            raise AssertionError("a join stays open although every other task has settled")
        left.remove(task)
        if answer == "runs":
            outcomes[task.id] = results[task.id]  # `skipped` by its `if`
            if results[task.id] != "skipped":
                ran.add(task.id)
        else:
            outcomes[task.id] = "skipped"
    return outcomes, "failed" if unhandled(tasks, outcomes, ran) else "succeeded"
