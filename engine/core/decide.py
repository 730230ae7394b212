"""The heart of the engine: a scope's state and a fact give its next state and what is to be done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.core import approvals, attempts, cancel, events, settle, timers
from engine.core.begin import begin
from engine.core.context import Context, Decision
from engine.core.events import Event, ScopeStarted
from engine.core.flow import flow
from engine.core.keys import ROOT
from engine.core.model import Definition
from engine.core.state import ScopeState
from engine.core.turn import Turn

NOWHERE: ScopeState = {"status": "settled", "at": 0, "started_at": 0, "tasks": {}}
"""What is answered for a scope that never came to be: nothing more happens in it. Never stored."""


def decide(definition: Definition, state: ScopeState | None, event: Event, context: Context) -> Decision:
    """Take one event. Pure, total and idempotent; `state` is None for a scope that is not there yet.

    What makes no sense in this state (late, repeated, about an attempt that is over) is answered with the same state
    and `accepted=False`. `state` is never changed; what stays the same is shared with the answer.
    """
    if state is None:
        if isinstance(event, ScopeStarted):
            return _start(definition, event, context)
        return Decision(state=NOWHERE, accepted=False)
    rule = RULES.get(event.type)
    if rule is None or state["status"] == "settled":
        return Decision(state=state, accepted=False)
    turn = Turn(definition, state, context, event.at)
    if not rule(turn, event):
        return Decision(state=state, accepted=False)
    flow(turn)
    return Decision(state=turn.state, commands=tuple(turn.commands))


def _start(definition: Definition, event: ScopeStarted, context: Context) -> Decision:
    state: ScopeState = {"status": "running", "at": event.at, "started_at": event.at, "tasks": {}}
    if event.ending is not None:
        state["ending"] = event.ending
        state["ending_failures"] = event.failures
    if definition.timeout is not None and context.scope == ROOT:
        state["timers"] = {"timeout": event.at + definition.timeout}
    turn = Turn(definition, state, context, event.at)
    for task in turn.list.tasks.values():
        if not task.edges:
            begin(turn, task)
    flow(turn)
    return Decision(state=turn.state, commands=tuple(turn.commands))


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
    events.CancelRequested.type: cancel.requested,
    events.ScopeSettled.type: settle.finally_ended,
}
"""ScopeStarted has none: a scope starts once."""
