"""The end of a scope: what it ends with, compensation, `finally`, the final state (LANGUAGE, "Order at the end")."""

from __future__ import annotations

from typing import Literal

from engine.core import gates, undo
from engine.core.commands import OpenScope, SettleScope
from engine.core.events import ScopeSettled
from engine.core.explain import explain
from engine.core.expressions.errors import EvaluationError
from engine.core.expressions.evaluate import condition
from engine.core.expressions.reads import refs
from engine.core.expressions.render import render
from engine.core.failures import before_the_stop, unhandled
from engine.core.joins import negative
from engine.core.keys import FINALLY, ROOT
from engine.core.names import names
from engine.core.outcomes import FAILED
from engine.core.outputs import too_large
from engine.core.references import resolved
from engine.core.state import ACTIVE, ScopeFailure, ScopeState, TaskError
from engine.core.turn import Turn
from engine.core.values import Json

Ending = Literal["succeeded", "failed", "cancelled"]


def settle(turn: Turn) -> None:
    """End the scope if nothing runs or can start any more."""
    if len(turn.runs) < len(turn.list.tasks) or turn.state["status"] not in ("running", "cancelling"):
        return
    for run in turn.runs.values():
        if run["state"] in ACTIVE or ("items" in run and run["items"]["active"]):
            return
    if not _goes_on(turn):
        _end(turn)


def _goes_on(turn: Turn) -> bool:
    """Whether a retry has run well what comes first."""
    put_off = turn.state.get("put_off")
    if put_off is None or turn.cancelling:
        return False
    return not any(negative(turn.list.tasks[name], turn.runs[name]) for name in put_off["tasks"])


def never_started(turn: Turn, outcome: Ending, error: TaskError | None = None) -> None:
    """The instance ends without having started: neither its tasks nor `finally` run.

    One that was to be reopened stays what it was.
    """
    turn.state.pop("timers", None)
    if turn.state.pop("reopening", None) is not None:
        turn.state["status"] = "settled"
        gates.leave_instance(turn)
        return
    for name in turn.list.tasks:
        turn.skip(name, {"cause": "scope"})
    failures: list[ScopeFailure] = []
    if error is not None:
        turn.state["error"] = error
        failures.append({"path": turn.context.scope, "outcome": FAILED, "error": error})
    _close(turn, outcome, None, failures)


def finally_ended(turn: Turn, event: ScopeSettled) -> bool:
    """`finally` has ended: it can spoil a success, and never mend a failure. What it could not undo is a failure in any case."""
    if turn.state["status"] != "finally" or event.scope != FINALLY:
        return False
    outcome = turn.state.get("outcome", "succeeded")
    failures = [*turn.state.get("failures", []), *event.failures]
    if event.not_undone:
        outcome = "failed"
        failures += [failure for failure in event.not_undone if failure not in failures]
    elif outcome == "succeeded":
        outcome = event.outcome
    _close(turn, outcome, turn.state.get("outputs"), failures)
    return True


def undoing_ended(turn: Turn, event: ScopeSettled) -> bool:
    """A scope that undoes something, or was undone, has ended: the next one, or the end of this scope."""
    if turn.state["status"] != "compensating" or not undo.undone(turn, event):
        return False
    if not undo.is_under_way(turn):
        all_undone(turn)
    return True


def all_undone(turn: Turn) -> None:
    """All is undone: go on to the end; a scope that had settled before settles again."""
    state = turn.state
    failures = state.get("undo", {}).get("failures", [])
    state.pop("undo", None)
    if "finished_at" in state:  # it had settled
        state["status"] = "settled"
        state["undone"] = True
        turn.order(
            SettleScope(
                outcome=state.get("outcome", "succeeded"), failures=failures, undone=True, idle=_was_idle(state)
            )
        )
        return
    undo.note_failed(turn, failures)
    outcome: Ending = "failed" if failures else state.get("outcome", "failed")
    _conclude(turn, outcome, None, [*state.get("failures", []), *failures])


def undo_requested(turn: Turn) -> None:
    """A scope above fails: what this one did is undone."""
    turn.state["status"] = "compensating"
    undo.begin(turn)
    if not undo.is_under_way(turn):
        all_undone(turn)


def _end(turn: Turn) -> None:
    """All tasks have ended: find the outcome, undo what a failure leaves behind, make the outputs."""
    state = turn.state
    state.pop("timers", None)
    failures = _failures(turn)
    ending: Ending = state["exit"]["state"] if "exit" in state else "cancelled" if turn.cancelling else "succeeded"
    if ending == "failed" and "exit" in state and not failures:
        error: TaskError = {"kind": "exit", "message": "the workflow says that it has failed"}
        failures = [{"path": state["exit"]["task"], "outcome": FAILED, "error": error}]
    outputs: Json = None
    if "error" not in state and not failures and ending == "succeeded":
        outputs = _outputs(turn)
    if "error" in state:
        failures = [*failures, {"path": turn.context.scope, "outcome": FAILED, "error": state["error"]}]
    outcome: Ending = "failed" if failures else ending
    if outcome != "succeeded":
        undo.begin(turn)
        if undo.is_under_way(turn):
            state["status"] = "compensating"
            _note(state, outcome, None, failures)
            return
    _conclude(turn, outcome, outputs, failures)


def _failures(turn: Turn) -> list[ScopeFailure]:
    scope, state = turn.context.scope, turn.state
    if turn.cancelling:
        failures = before_the_stop(turn.list, turn.runs, scope, state.get("failures", []))
    else:
        failures = unhandled(turn.list, turn.runs, scope)
    return [*failures, *state.get("not_undone", [])] if scope == ROOT else failures


def _conclude(turn: Turn, outcome: Ending, outputs: Json, failures: list[ScopeFailure]) -> None:
    """Go on to `finally`, or settle."""
    if turn.context.scope != ROOT or not turn.definition.finally_.tasks:
        _close(turn, outcome, outputs, failures)
        return
    turn.state["status"] = "finally"
    _note(turn.state, outcome, outputs, failures)
    turn.order(OpenScope(scope=FINALLY, ending=outcome, failures=failures, again=turn.reopened))


def _outputs(turn: Turn) -> Json:
    """The scope's outputs, and what `until` says; an error in them is the scope's own."""
    template = turn.definition.outputs if turn.context.scope == ROOT else turn.list.outputs
    error: TaskError | None = None
    outputs: Json = {}
    try:
        if template is not None:
            outputs = render(template, names(turn.definition, turn.state, turn.context, refs(template)))
            error = too_large(outputs)
        elif "" in turn.runs:
            outputs = turn.runs[""].get("outputs", {})
        if turn.list.until is not None and error is None:
            known = names(turn.definition, turn.state, turn.context, turn.list.until.refs)
            turn.state["done"] = condition(
                turn.list.until, {"outputs": resolved(outputs, turn.context.values), **known}
            )
    except EvaluationError as problem:
        error = explain(problem)
    if error is None:
        return outputs
    turn.state["error"] = error
    return None


def _close(turn: Turn, outcome: Ending, outputs: Json, failures: list[ScopeFailure]) -> None:
    if outcome != "succeeded":
        outputs = None
    turn.state["status"] = "settled"
    turn.state["finished_at"] = turn.at
    _note(turn.state, outcome, outputs, failures)
    item = turn.context.scope.endswith("]")
    gates.leave_instance(turn)
    turn.order(
        SettleScope(
            outcome=outcome,
            outputs=None if item else outputs,
            failures=failures,
            done=turn.state.get("done"),
            idle=_was_idle(turn.state),
            not_undone=turn.state.get("not_undone", []),
        )
    )


def _was_idle(state: ScopeState) -> bool:
    """Whether the parent counts the scope as idle; from now on it does not count at all."""
    return bool(state.pop("idle", False))


def _note(state: ScopeState, outcome: Ending, outputs: Json, failures: list[ScopeFailure]) -> None:
    state["outcome"] = outcome
    if outputs is not None:
        state["outputs"] = outputs
    else:
        state.pop("outputs", None)
    if failures:
        state["failures"] = failures
