"""What `decide` is told besides the state and the event, and what it answers."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from engine.core.commands import Command
from engine.core.frozen import frozen
from engine.core.references import Known, nothing_known
from engine.core.state import ScopeState
from engine.core.values import JsonObject


@frozen
class Context:
    """What an instance was started with, the same for all its life.

    `instance` has `id`, `workflow`, `commit`, `started_at` (RFC 3339) and `started_by`. `scope` is the path of the
    scope the event is for, `outer` the states of the scopes around it, nearest first: their settled tasks can be read.
    """

    instance: JsonObject
    inputs: JsonObject
    trigger: JsonObject = field(default_factory=dict)
    scope: str = ""
    outer: tuple[ScopeState, ...] = ()
    values: Known = nothing_known
    """The instance's large outputs, which its states only refer to."""
    memo: dict[str, Any] = field(default_factory=dict)
    """What was worked out for this instance before and can be worked out again: it saves time, and changes nothing."""


@frozen
class Decision:
    """The answer to one event.

    A late or repeated event gives the state it was given (the same object), no commands and `accepted=False`;
    it is recorded in history all the same.
    """

    state: ScopeState
    commands: tuple[Command, ...] = ()
    accepted: bool = True
