"""The heart of the engine: a scope's state and a fact give its next state and what is to be done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.core import (
    admission,
    again,
    approvals,
    attempts,
    bodies,
    child_answers,
    event_tasks,
    events,
    exits,
    pause,
    resolve,
    settle,
    timers,
    undo,
)
from engine.core.context import Context, Decision
from engine.core.events import Event, RetryRequested, ScopeSettled, ScopeStarted, UndoRequested
from engine.core.flow import flow
from engine.core.keys import FINALLY, ROOT
from engine.core.model import Definition
from engine.core.state import ScopeState
from engine.core.stir import stir
from engine.core.turn import Turn

NOWHERE: ScopeState = {"status": "settled", "at": 0, "started_at": 0, "tasks": {}}
"""What is answered for a scope that never came to be: nothing more happens in it. Never stored."""


def decide(definition: Definition, state: ScopeState | None, event: Event, context: Context) -> Decision:
    """Take one event. Pure, total and idempotent; `state` is None for a scope that is not there yet.

    What makes no sense in this state (late, repeated, about an attempt that is over) is answered with the same state
    and `accepted=False`. `state` is never changed; what stays the same is shared with the answer.
    """
    if isinstance(event, ScopeStarted) and (state is None or (event.again and state["status"] == "settled")):
        return _start(definition, state, event, context)
    if state is None:
        return Decision(state=NOWHERE, accepted=False)
    rules = RULES if state["status"] != "settled" else AFTER_THE_END
    rule = rules.get(event.type)
    if rule is None:
        return Decision(state=state, accepted=False)
    turn = Turn(definition, state, context, event.at)
    if not rule(turn, event):
        return Decision(state=state, accepted=False)
    flow(turn)
    again.go_on(turn)
    stir(turn)
    return Decision(state=turn.state, commands=tuple(turn.commands))


def _start(definition: Definition, before: ScopeState | None, event: ScopeStarted, context: Context) -> Decision:
    state: ScopeState = {"status": "running", "at": event.at, "started_at": event.at, "tasks": {}}
    if before is not None:
        state["at"] = before["at"]
        state["carried"] = again.carried(before)
        state["runs"] = before.get("runs", 0) + 1
    if event.ending is not None:
        state["ending"] = event.ending
        state["ending_failures"] = event.failures
    if event.locals is not None:
        state["locals"] = event.locals
    if event.key:
        state["key"] = event.key
    if event.began:
        state["began"] = event.began
    turn = Turn(definition, state, context, event.at)
    admission.start(turn)
    flow(turn)
    stir(turn)
    return Decision(state=turn.state, commands=tuple(turn.commands))


def _scope_settled(turn: Turn, event: ScopeSettled) -> bool:
    undo.note_failed(turn, event.not_undone)
    if event.scope == FINALLY and turn.context.scope == ROOT:
        return settle.finally_ended(turn, event)
    return settle.undoing_ended(turn, event) if turn.state["status"] == "compensating" else bodies.settled(turn, event)


def _found(turn: Turn, event: events.ChildrenFound) -> bool:
    if turn.state["status"] != "compensating" or not undo.found(turn, event):
        return False
    if not undo.is_under_way(turn):
        settle.all_undone(turn)
    return True


def _undo(turn: Turn, _event: UndoRequested) -> bool:
    settle.undo_requested(turn)
    return True


def _retry(turn: Turn, event: RetryRequested) -> bool:
    return again.retry(turn, event)


RULES: dict[str, Callable[[Turn, Any], bool]] = {
    events.TaskStarted.type: attempts.started,
    events.TaskSucceeded.type: attempts.succeeded,
    events.TaskFailed.type: attempts.failed,
    events.TaskCancelled.type: attempts.cancelled,
    events.AttemptAlive.type: attempts.alive,
    events.AttemptLost.type: attempts.lost,
    events.AttemptUnclaimed.type: attempts.unclaimed,
    events.TimersDue.type: timers.due,
    events.ApproversAsked.type: approvals.asked,
    events.AskingFailed.type: approvals.asking_failed,
    events.DecisionMade.type: approvals.decided,
    events.CancelRequested.type: pause.cancelled,
    events.ScopeSettled.type: _scope_settled,
    events.ScopeStirred.type: bodies.stirred,
    events.ChildrenDue.type: bodies.due,
    events.ItemsCollected.type: bodies.collected,
    events.ChildrenFound.type: _found,
    events.ChildStarted.type: child_answers.started,
    events.ChildEnded.type: child_answers.ended,
    events.EventReceived.type: event_tasks.received,
    events.EventsLookedAt.type: event_tasks.looked,
    events.TaskResolved.type: resolve.resolved,
    events.ExitRequested.type: exits.requested,
    events.CacheAnswered.type: admission.cache_answered,
    events.SlotAnswered.type: admission.slot_answered,
    events.TurnAnswered.type: admission.turn_answered,
    events.PauseRequested.type: pause.requested,
    events.ResumeRequested.type: pause.resumed,
}

AFTER_THE_END: dict[str, Callable[[Turn, Any], bool]] = {
    events.UndoRequested.type: _undo,
    events.RetryRequested.type: _retry,
}
"""What a settled scope still takes."""
