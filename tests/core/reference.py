"""LANGUAGE's "Edges, outcomes, joins" written a second time, slowly and from the text alone; shares no code with the engine."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from engine.core.model import Edge, Task, TaskList

NEGATIVE = ("failed", "rejected", "expired", "timed_out", "cancelled")


def accepts(task: Task, outcome: str) -> bool:
    """`continue_on_error` keeps the outcome's name (never `cancelled`)."""
    return task.continue_on_error and outcome in NEGATIVE and outcome != "cancelled"


def edge_satisfied(edge: Edge, outcome: str) -> bool:
    label = edge.outcome
    if label == "done" or (edge.lenient and outcome in NEGATIVE and outcome != "cancelled"):
        return True
    return label == outcome  # a skipped source satisfies only `skipped` and `done`


def verdict(
    task: Task, outcomes: Mapping[str, str], tasks: TaskList | None = None, spared: Collection[str] = ()
) -> str:
    """`runs`, `skipped` or `open`; `outcomes` are those of the sources that have settled.

    `spared` tasks were cancelled by their own scope: that is not negative.
    """
    settled = [edge for edge in task.edges if edge.source in outcomes]
    unsettled = [edge for edge in task.edges if edge.source not in outcomes]
    good = [edge for edge in settled if edge_satisfied(edge, outcomes[edge.source])]
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
    negative = {
        edge.source
        for edge in settled
        if outcomes[edge.source] in NEGATIVE
        and edge.source not in spared
        and not (tasks and accepts(tasks.tasks[edge.source], outcomes[edge.source]))
    }
    return "runs" if good and negative <= {edge.source for edge in good} else "skipped"


def unhandled(
    tasks: TaskList, outcomes: Mapping[str, str], ran: Collection[str], spared: Collection[str] = ()
) -> set[str]:
    """Tasks with a negative outcome for which no task with an edge for exactly that label ran; everything has settled."""
    found = set()
    for name, outcome in outcomes.items():
        if outcome not in NEGATIVE or name in spared or accepts(tasks.tasks[name], outcome):
            continue
        handlers = {
            listener.id
            for listener in tasks.tasks.values()
            for edge in listener.edges
            if edge.source == name and edge.outcome == outcome and edge.outcome != "done"
        }
        if not handlers & set(ran):
            found.add(name)
    return found


def settle_dag(tasks: TaskList, results: Mapping[str, str], spared: Collection[str] = ()) -> tuple[dict[str, str], str]:
    """Outcomes of all tasks and of the scope, where `results` says how each task ends if its join lets it run.

    Tasks run one after the other, in list order, each time the first that may: joins do not depend on the order here
    because nothing is cancelled.
    """
    outcomes: dict[str, str] = {}
    ran: set[str] = set()
    left = list(tasks.tasks.values())
    while left:
        for task in left:
            answer = "runs" if not task.edges else verdict(task, outcomes, tasks, spared)
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
    return outcomes, "failed" if unhandled(tasks, outcomes, ran, spared) else "succeeded"
