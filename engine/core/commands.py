"""What `decide` wants done. Imperative. Some leave through the outbox, the others take effect in the same transaction."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any, TypeAlias

from engine.core.effects import (
    AwaitEvent,
    CancelScope,
    CloseApproval,
    CollectItems,
    FindChildren,
    ForgetOutputs,
    KeepOutputs,
    LookUpCache,
    OpenApproval,
    OpenScope,
    RecordDecision,
    ReleaseSlot,
    SettleScope,
    StopAwaiting,
    TakeSlot,
    TakeTurn,
    TellChildren,
    TellScope,
)
from engine.core.keys import lease_key
from engine.core.outbound import (
    AskApprovers,
    CancelChild,
    CancelTask,
    GoOn,
    MatchEvent,
    RouteEvent,
    RunTask,
    StartChild,
)
from engine.core.values import Json, JsonObject
from engine.errors import Malformed, Newer

__all__ = [
    "AskApprovers",
    "AwaitEvent",
    "CancelChild",
    "CancelScope",
    "CancelTask",
    "CloseApproval",
    "CollectItems",
    "FindChildren",
    "ForgetOutputs",
    "GoOn",
    "KeepOutputs",
    "LookUpCache",
    "MatchEvent",
    "OpenApproval",
    "OpenScope",
    "RecordDecision",
    "ReleaseSlot",
    "RouteEvent",
    "RunTask",
    "SettleScope",
    "StartChild",
    "StopAwaiting",
    "TakeSlot",
    "TakeTurn",
    "TellChildren",
    "TellScope",
]

Outbound: TypeAlias = RunTask | CancelTask | AskApprovers | StartChild | CancelChild | MatchEvent | RouteEvent | GoOn
Effect: TypeAlias = (
    OpenApproval
    | RecordDecision
    | CloseApproval
    | OpenScope
    | CancelScope
    | SettleScope
    | TellChildren
    | CollectItems
    | FindChildren
    | TellScope
    | LookUpCache
    | KeepOutputs
    | ForgetOutputs
    | TakeSlot
    | ReleaseSlot
    | TakeTurn
    | AwaitEvent
    | StopAwaiting
)
Command: TypeAlias = Outbound | Effect

OUTBOUND: dict[str, Any] = {kind.type: kind for kind in Outbound.__args__}
_DEFAULTS = {name: {f.name: f.default for f in fields(kind)} for name, kind in OUTBOUND.items()}


def to_json(command: Outbound) -> JsonObject:
    """The form in the outbox and on the wire: `type`, and the fields that are not what they are by default.

    So a default must not change: it is what commands mean that are on their way, or that another version sends.
    """
    body: JsonObject = {"type": command.type}
    for name, default in _DEFAULTS[command.type].items():
        value = getattr(command, name)
        if default is MISSING or value != default:
            body[name] = value
    return body


def message_of(command: Outbound) -> JsonObject:
    """What goes through the queue: of GoOn the notification that it is, of all others `to_json`."""
    if isinstance(command, GoOn):
        return {"instance": command.instance, "scope": command.scope, "event": command.event}
    return to_json(command)


def from_json(body: JsonObject) -> Outbound:
    """Read a command back.

    Raises Newer on a type or a field that this version does not know, Malformed on fields that are missing.
    """
    arguments = dict(body)
    kind = OUTBOUND.get(str(arguments.pop("type", "")))
    if kind is None:
        raise Newer(f"unknown command type {body.get('type')!r}")
    if unknown := arguments.keys() - _DEFAULTS[kind.type].keys():
        raise Newer(f"command {kind.type} has unknown fields: {', '.join(sorted(unknown))}")
    try:
        command: Outbound = kind(**arguments)
    except TypeError as error:
        raise Malformed(f"command {body['type']} does not fit: {error}") from None
    return command


def lease_of(body: Json) -> str | None:
    """What is leased while a command, as `to_json` gives it, is carried out; None for one that may be carried out twice.

    Raises Malformed: it was not written by `to_json`.
    """
    if not isinstance(body, dict):
        raise Malformed("a command is an object")
    kind = body.get("type")
    return _attempt_of(body) + _LEASED[kind] if isinstance(kind, str) and kind in _LEASED else None


_LEASED = {RunTask.type: "", AskApprovers.type: "/ask", StartChild.type: "", MatchEvent.type: "/match"}


def cancelled_attempt(body: Json) -> str | None:
    """The lease of the attempt that a command, as `to_json` gives it, is to stop; None for other commands."""
    if not isinstance(body, dict) or body.get("type") != CancelTask.type:
        return None
    try:
        return _attempt_of(body)
    except Malformed:  # made by hand: whoever reads the queue refuses it
        return None


def _attempt_of(body: JsonObject) -> str:
    instance, path, attempt = body.get("instance"), body.get("path"), body.get("attempt")
    if not isinstance(instance, str) or not isinstance(path, str) or type(attempt) is not int:
        raise Malformed(f"command {body['type']} does not name an instance, a path and an attempt")
    return lease_key(instance, path, attempt)
