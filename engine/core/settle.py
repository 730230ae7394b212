"""The end of a scope: what it ends with, then `finally`, then the final state (LANGUAGE, "Order at the end")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from engine.core.begin import explain
from engine.core.commands import OpenScope, SettleScope
from engine.core.events import ScopeSettled
from engine.core.expressions.errors import EvaluationError
from engine.core.expressions.reads import refs
from engine.core.expressions.render import render
from engine.core.keys import FINALLY, ROOT, task_path
from engine.core.model import TaskList
from engine.core.names import names
from engine.core.outcomes import FAILED, NEGATIVE, SKIPPED
from engine.core.outputs import too_large
from engine.core.state import ACTIVE, ScopeFailure, ScopeState, TaskError, TaskRun
from engine.core.turn import Turn
from engine.core.values import Json

Ending = Literal["succeeded", "failed", "cancelled"]


def unhandled(tasks: TaskList, runs: Mapping[str, TaskRun], scope: str) -> list[ScopeFailure]:
    """The negative outcomes that no task handles or may still handle, in file order.

    One is handled when a task with an edge for exactly that label runs; a listener still pending may yet do so, and one
    whose own `if` could not be evaluated has run as far as this goes: it failed itself.
    """
    found: list[ScopeFailure] = []
    for name in tasks.tasks:
        run = runs.get(name)
        if run is None or run["state"] not in NEGATIVE or _heard(tasks, runs, name, run["state"]):
            continue
        failure: ScopeFailure = {"path": task_path(scope, name), "outcome": run["state"]}
        if "error" in run:
            failure["error"] = run["error"]
        found.append(failure)
    return found


def settle(turn: Turn) -> None:
    """End the scope if nothing runs or can start any more."""
    if len(turn.runs) < len(turn.list.tasks) or turn.state["status"] not in ("running", "cancelling"):
        return
    for run in turn.runs.values():
        if run["state"] in ACTIVE:
            return
    _end(turn)


def finally_ended(turn: Turn, event: ScopeSettled) -> bool:
    """`finally` has ended: it can spoil a success, and never mend a failure."""
    if turn.state["status"] != "finally" or event.scope != FINALLY:
        return False
    outcome = turn.state.get("outcome", "succeeded")
    failures = [*turn.state.get("failures", []), *event.failures]
    if outcome == "succeeded":
        outcome = event.outcome
    _close(turn, outcome, turn.state.get("outputs"), failures)
    return True


def _heard(tasks: TaskList, runs: Mapping[str, TaskRun], source: str, outcome: str) -> bool:
    for follower in tasks.followers.get(source, ()):
        run = runs.get(follower)
        if run is not None and run["state"] == SKIPPED:
            continue
        if any(edge.source == source and edge.outcome == outcome for edge in tasks.tasks[follower].edges):
            return True
    return False


def _end(turn: Turn) -> None:
    """All tasks have ended: find the outcome, make the outputs, and go on to `finally` or settle."""
    state = turn.state
    state.pop("timers", None)
    failures = state.get("failures", []) if turn.cancelling else unhandled(turn.list, turn.runs, turn.context.scope)
    outputs: Json = None
    if "error" not in state and not failures and not turn.cancelling:
        outputs = _outputs(turn)
    if "error" in state:
        failures = [*failures, _own_failure(turn, state["error"])]
    outcome: Ending = "failed" if failures else "cancelled" if turn.cancelling else "succeeded"
    if turn.context.scope != ROOT or not turn.definition.finally_.tasks:
        _close(turn, outcome, outputs, failures)
        return
    state["status"] = "finally"
    _note(state, outcome, outputs, failures)
    turn.order(OpenScope(scope=FINALLY, ending=outcome, failures=failures))


def _outputs(turn: Turn) -> Json:
    """The scope's outputs; an error in them is the scope's own."""
    if turn.context.scope != ROOT:
        return {}
    template = turn.definition.outputs
    try:
        outputs = render(template, names(turn.definition, turn.state, turn.context, refs(template)))
        error = too_large(outputs)
    except EvaluationError as problem:
        error = explain(problem)
    if error is None:
        return outputs
    turn.state["error"] = error
    return None


def _own_failure(turn: Turn, error: TaskError) -> ScopeFailure:
    return {"path": turn.context.scope, "outcome": FAILED, "error": error}


def _close(turn: Turn, outcome: Ending, outputs: Json, failures: list[ScopeFailure]) -> None:
    if outcome != "succeeded":
        outputs = None
    turn.state["status"] = "settled"
    turn.state["finished_at"] = turn.at
    _note(turn.state, outcome, outputs, failures)
    turn.order(SettleScope(outcome=outcome, outputs=outputs, failures=failures))


def _note(state: ScopeState, outcome: Ending, outputs: Json, failures: list[ScopeFailure]) -> None:
    state["outcome"] = outcome
    if outputs is not None:
        state["outputs"] = outputs
    else:
        state.pop("outputs", None)
    if failures:
        state["failures"] = failures
