"""`repeat`: a scope for each iteration, one after the other."""

from __future__ import annotations

from engine.core.commands import GoOn, OpenScope, TellChildren
from engine.core.events import ChildrenDue, ScopeSettled, ScopeStirred, to_json
from engine.core.explain import explain
from engine.core.expressions.errors import EvaluationError
from engine.core.expressions.evaluate import condition
from engine.core.groups import end_as, show, tell_scope
from engine.core.keys import iteration_scope
from engine.core.model import Repeat, Task
from engine.core.names import names_for
from engine.core.outcomes import CANCELLED, FAILED, SUCCEEDED
from engine.core.references import resolved
from engine.core.state import TaskRun
from engine.core.turn import CHECK_AFTER, Turn
from engine.core.values import JsonObject

BURST = 100
"""Iterations that may follow each other at once in one transaction."""


def begin(turn: Turn, task: Task, run: TaskRun) -> None:
    """The first iteration, unless `while` is false. Raises EvaluationError."""
    running = run.copy()
    running["started_at"] = turn.at
    running["iterations"] = {"number": 0, "active": False}
    _next(turn, task, running)


def settled(turn: Turn, task: Task, run: TaskRun, event: ScopeSettled) -> None:
    """`until` was true, or it failed, or there is another one, perhaps after a pause."""
    counted = run.copy()
    counts = counted["iterations"] = run["iterations"].copy()
    counts["active"] = False
    if event.outcome != "succeeded":
        counts["failed"] = True
    if event.outcome != "succeeded" or run.get("error") is not None or event.done:
        end_as(turn, task, counted, event, outputs=event.outputs)
        return
    counts["previous"] = event.outputs
    if turn.is_stopping(run):
        turn.end(task.id, counted, CANCELLED)
        return
    spec = _spec(task)
    if spec.delay and counts["number"] < spec.max_iterations:
        counted["state"] = "waiting"
        counted["timers"] = {**run.get("timers", {}), "next": turn.at + spec.delay}
        turn.put(task.id, counted)
    elif counts["number"] % BURST == 0 and counts["number"] < spec.max_iterations:
        counted["timers"] = {**run.get("timers", {}), "check": turn.at + CHECK_AFTER}
        turn.put(task.id, counted)
        turn.order(going_on(turn.instance, turn.context.scope, task, counted))
    else:
        go_on(turn, task, counted)


def stirred(turn: Turn, task: Task, run: TaskRun, event: ScopeStirred) -> None:
    """It waits while its iteration does."""
    show(turn, task, run, busy=event.busy)


def go_on(turn: Turn, task: Task, run: TaskRun) -> None:
    """The pause, or the window, is over: the next iteration."""
    if run["iterations"]["active"]:
        return
    try:
        _next(turn, task, run)
    except EvaluationError as error:
        turn.end(task.id, run, FAILED, error=explain(error))


def tell(turn: Turn, task: Task, run: TaskRun, told: TellChildren) -> None:
    """The current iteration; between two of them the task is cancelled at once."""
    if run["iterations"]["active"]:
        tell_scope(turn, iteration_scope(turn.path(task.id), run["iterations"]["number"]), told)
    elif told.what == "cancel":
        turn.end(task.id, run, FAILED if run.get("error") is not None else CANCELLED)


def going_on(instance: str, scope: str, task: Task, run: TaskRun) -> GoOn:
    """What has the next iteration opened in a transaction of its own."""
    due = ChildrenDue(task=task.id, attempt=run["attempt"], what="open", after=str(run["iterations"]["number"]))
    return GoOn(instance=instance, scope=scope, event=to_json(due))


def _next(turn: Turn, task: Task, run: TaskRun) -> None:
    spec = _spec(task)
    counts = run["iterations"]
    number = counts["number"] + 1
    known: JsonObject = {"iteration": number, "index": number - 1, "previous": counts.get("previous", {})}
    if spec.condition is not None:
        names = names_for(turn.definition, turn.state, turn.context, task, run)
        previous = resolved(known.get("previous"), turn.context.values)
        if not condition(spec.condition, {**names, **known, **({"previous": previous} if number > 1 else {})}):
            turn.end(task.id, run, SUCCEEDED, outputs=counts.get("previous", {}))
            return
    if number > spec.max_iterations:
        message = f"not done after {spec.max_iterations} iterations"
        turn.end(task.id, run, FAILED, error={"kind": "max_iterations", "message": message})
        return
    following = run.copy()
    following["timers"] = {name: due for name, due in run.get("timers", {}).items() if name not in ("next", "check")}
    if turn.paused:
        following["state"], following["held"] = "waiting", "more"
        turn.put(task.id, following)
        return
    following.pop("held", None)
    following["state"] = "running"
    following["iterations"] = {**counts, "number": number, "active": True}
    turn.put(task.id, following)
    scope = iteration_scope(turn.path(task.id), number)
    turn.order(OpenScope(scope=scope, locals=known, again=turn.reopened))


def _spec(task: Task) -> Repeat:
    if task.repeat is None:
        raise ValueError("a task of kind repeat says how often")
    return task.repeat
