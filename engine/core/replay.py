"""Folding `decide` over a recorded history: gives the stored state, or something is broken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from engine.core.context import Context
from engine.core.decide import decide
from engine.core.events import from_json
from engine.core.keys import scopes_around
from engine.core.model import Definition
from engine.core.state import ScopeState
from engine.core.values import JsonObject

Row = tuple[str, JsonObject, int]
"""A scope's path, an event as `engine.core.events.to_json` gives it, and its `at`."""


def replay(definition: Definition, context: Context, history: Iterable[Row]) -> dict[str, ScopeState]:
    """The scopes of an instance by path, after every event it took, in order. Events that were refused may be among them.

    `context` is the instance's; its `scope` and `outer` are set here. Raises Malformed for a row that is no event.
    """
    scopes: dict[str, ScopeState] = {}
    for path, body, at in history:
        outer = tuple(scopes[above] for above in scopes_around(path) if above in scopes)
        here = replace(context, scope=path, outer=outer)
        decision = decide(definition, scopes.get(path), from_json(body, at), here)
        if decision.accepted:
            scopes[path] = decision.state
    return scopes
