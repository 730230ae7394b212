"""Tells the scope above when nothing runs in this one any more, or something does again: its task is `waiting` or `running`."""

from __future__ import annotations

from engine.core.commands import TellScope
from engine.core.events import ScopeStirred, to_json
from engine.core.keys import COMPENSATE, FINALLY, ROOT, owner
from engine.core.state import ScopeState
from engine.core.turn import Turn


def stir(turn: Turn) -> None:
    """Say it once each time it changes; a scope counts as busy until it says otherwise."""
    scope, state = turn.context.scope, turn.state
    if scope in (ROOT, FINALLY) or state["status"] == "settled":
        return
    if scope.endswith(f"/{COMPENSATE}"):
        return
    idle = not busy(state)
    above = owner(scope)
    if idle != state.get("idle", False) and above is not None:
        state["idle"] = idle
        turn.order(TellScope(scope=above[0], event=to_json(ScopeStirred(scope=scope, busy=not idle))))


def busy(state: ScopeState) -> bool:
    """Whether something is with a worker, here or below."""
    if state["status"] == "compensating":
        return True
    return any(run["state"] in ("queued", "running") for run in state["tasks"].values())
