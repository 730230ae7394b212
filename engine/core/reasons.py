"""Why a task ran, waits, was skipped or ended as it did: what its state and its definition tell, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from engine.core.context import Context
from engine.core.expressions.errors import EvaluationError
from engine.core.expressions.evaluate import condition, values_read
from engine.core.expressions.model import Expression
from engine.core.failures import heard
from engine.core.joins import join, negative, satisfies
from engine.core.keys import COMPENSATE, owner, task_path
from engine.core.model import Definition, Task, TaskList
from engine.core.names import names_for, shown
from engine.core.outcomes import CANCELLED, FAILED, NEGATIVE, SKIPPED
from engine.core.state import ACTIVE, PENDING, ScopeState, SkipReason, TaskRun
from engine.core.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSeen:
    """An edge with what has become of its source. `satisfied` is None as long as the source has not ended."""

    source: str
    outcome: str
    got: str
    satisfied: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """A task that waits for this one, and the outcomes that it waits for."""

    task: str
    outcomes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionSeen:
    """A condition with what it read. `of`: `if`, or the case of a switch. `result` is None where it was not evaluated."""

    of: str
    source: str
    result: bool | None
    values: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """What happens at a time if nothing happens before."""

    at: int
    what: str


Handling = Literal["handled", "accepted", "unhandled", "wanted"]


def edges_seen(task: Task, runs: dict[str, TaskRun]) -> tuple[EdgeSeen, ...]:
    """Every edge of a task, in the order of its `needs`."""
    return tuple(_edge(task, number, runs) for number in range(len(task.edges)))


def _edge(task: Task, number: int, runs: dict[str, TaskRun]) -> EdgeSeen:
    edge = task.edges[number]
    got = runs[edge.source]["state"] if edge.source in runs else PENDING
    ended = got != PENDING and got not in ACTIVE
    return EdgeSeen(
        source=edge.source, outcome=edge.outcome, got=got, satisfied=satisfies(edge, got) if ended else None
    )


def conditions_seen(
    definition: Definition, state: ScopeState, context: Context, task: Task
) -> tuple[ConditionSeen, ...]:
    """The task's `if` and the cases of a switch, with the values that they have had."""
    run = state["tasks"].get(task.id)
    found = [] if task.condition is None else [("if", task.condition)]
    if run is None or run["state"] == SKIPPED:
        return tuple(_unasked(of, wanted, run.get("skipped") if run else None) for of, wanted in found)
    found += [(case, wanted) for case, wanted in task.cases if wanted is not None]
    seen = []
    for of, wanted in found:
        seen.append(_asked(of, wanted, names_for(definition, state, context, task, run)))
        if of != "if" and seen[-1].result is not False:
            break
    return tuple(seen)


def _unasked(of: str, wanted: Expression, skipped: SkipReason | None) -> ConditionSeen:
    if skipped is None or skipped["cause"] != "condition":
        return ConditionSeen(of=of, source=wanted.source, result=None)
    return ConditionSeen(of=of, source=wanted.source, result=False, values=skipped.get("values", {}))


def _asked(of: str, wanted: Expression, names: JsonObject) -> ConditionSeen:
    values = shown(values_read(wanted, names))
    try:
        return ConditionSeen(of=of, source=wanted.source, result=condition(wanted, names), values=values)
    except EvaluationError:  # the task's own error says what was wrong
        return ConditionSeen(of=of, source=wanted.source, result=None, values=values)


def why(task: Task, tasks: TaskList, state: ScopeState, scope: str) -> str:
    """In a sentence why the task of the scope at this path is where it is."""
    run = state["tasks"].get(task.id)
    if run is None:
        return _why_pending(task, tasks, state)
    if run["state"] == SKIPPED:
        return f"skipped, because {why_skipped(run.get('skipped'))}"
    if run["state"] in ACTIVE:
        return f"under way, because {_why_it_runs(task, state['tasks'], scope)}"
    return "; ".join(_why_ended(task, run, state, scope))


def why_skipped(reason: SkipReason | None) -> str:
    """The reason in a sentence without its values."""
    match reason:
        case {"cause": "edge", "edge": edge, "got": got}:
            return f"it waits for {edge}, but the outcome was {got}"
        case {"cause": "edge"}:
            return "too few of its edges could still be satisfied"
        case {"cause": "condition", "condition": condition_}:
            return f"{condition_} is false"
        case {"cause": "rest"}:
            return "another task had no more use for it"
        case {"cause": "operator"}:
            return "somebody wanted it so"
        case _:
            return "its scope ended before it could run"


def _why_pending(task: Task, tasks: TaskList, state: ScopeState) -> str:
    if state["status"] == "queued":
        return "the instance itself has not started"
    if state["status"] != "running":
        return f"its scope is {state['status']}"
    if join(task, tasks.tasks, state["tasks"]) is None:
        left = [edge.source for edge in edges_seen(task, state["tasks"]) if edge.satisfied is None]
        return f"it waits for {', '.join(dict.fromkeys(left))}"
    return "it is about to be looked at"


def _why_it_runs(task: Task, runs: dict[str, TaskRun], scope: str) -> str:
    if task.edges:
        good = [f"{edge.source} ended {edge.got}" for edge in edges_seen(task, runs) if edge.satisfied]
        return " and ".join(dict.fromkeys(good)) or "it was reopened"
    above = owner(scope)
    if task.id or above is None:
        return "it needs nothing"
    of = task_path(*above)
    return f"it undoes {of}" if scope.endswith(f"/{COMPENSATE}") else f"it belongs to {of}"


def _why_ended(task: Task, run: TaskRun, state: ScopeState, scope: str) -> Iterator[str]:
    outcome = run["state"]
    yield f"it ran, because {_why_it_runs(task, state['tasks'], scope)}"
    if run.get("cached"):
        yield "its outputs are those of an earlier run"
    if "by" in run:
        yield f"ended by {run['by']}"
    elif outcome == CANCELLED and "called_off" in run:
        yield "its own scope had no more use for it"
    elif outcome == CANCELLED and "cancel" in state:
        yield f"its scope was cancelled by {state['cancel']['by']}"
    if outcome == FAILED and "error" in run:
        tries = f" after {run['attempt']} attempts" if run["attempt"] > 1 else ""
        yield f"it failed{tries}: {run['error']['message']}"
    if run.get("undone"):
        yield "it was undone"


def handling(task: Task, tasks: TaskList, runs: dict[str, TaskRun]) -> tuple[Handling, tuple[str, ...]] | None:
    """What became of a negative outcome, and which tasks handle it; None if it is none."""
    run = runs.get(task.id)
    if run is None or run["state"] not in NEGATIVE:
        return None
    if not negative(task, run):
        return ("wanted" if run.get("called_off") else "accepted"), ()
    if not heard(tasks, runs, task.id, run["state"]):
        return "unhandled", ()
    by = (
        name
        for name in tasks.followers.get(task.id, ())
        if runs.get(name, {"state": PENDING})["state"] != SKIPPED
        and any(edge.source == task.id and edge.outcome == run["state"] for edge in tasks.tasks[name].edges)
    )
    return "handled", tuple(by)


def followers(task: Task, tasks: TaskList, runs: dict[str, TaskRun]) -> tuple[Follower, ...]:
    """The tasks that have not begun and wait for this one."""
    return tuple(
        Follower(task=name, outcomes=tuple(edge.outcome for edge in tasks.tasks[name].edges if edge.source == task.id))
        for name in tasks.followers.get(task.id, ())
        if name not in runs
    )


def coming(run: TaskRun) -> tuple[Coming, ...]:
    """What the timers of a run bring, soonest first."""
    found = [
        Coming(at=due, what=_COMING[name].format(next=run["attempt"] + 1))
        for name, due in run.get("timers", {}).items()
        if name in _COMING and not (name == "timeout" and run["state"] == "waiting" and "retry" in run["timers"])
    ]
    return tuple(sorted(found, key=lambda one: (one.at, one.what)))


_COMING = {
    "retry": "attempt {next} starts",
    "timeout": "it is stopped, as its timeout is over",
    "deadline": "it fails, as its deadline is over",
    "expiry": "it ends expired",
    "event": "it ends timed_out",
    "wait": "it ends succeeded",
    "rate": "its rate limit lets it start",
    "next": "the next iteration starts",
}


def joined(task: Task, edges: Sequence[EdgeSeen]) -> str:
    """The join in words, where there is something to join."""
    if len(edges) < 2:  # noqa: PLR2004 - one edge joins nothing
        return ""
    return f"at_least {task.join.n}" if task.join.mode == "at_least" else task.join.mode
