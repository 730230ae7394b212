"""What can happen to a scope. Facts, past tense; `at` is database time in milliseconds, stamped by `advance` (law 3)."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeAlias

from engine.core.scope_events import (
    CancelRequested,
    ChildrenDue,
    ChildrenFound,
    ExitRequested,
    ItemsCollected,
    PauseRequested,
    ResumeRequested,
    RetryRequested,
    ScopeSettled,
    ScopeStarted,
    ScopeStirred,
    TimersDue,
    UndoRequested,
)
from engine.core.task_events import (
    ApproversAsked,
    AskingFailed,
    AttemptAlive,
    AttemptLost,
    AttemptUnclaimed,
    CacheAnswered,
    ChildEnded,
    ChildStarted,
    DecisionMade,
    EventReceived,
    EventsLookedAt,
    SlotAnswered,
    TaskCancelled,
    TaskFailed,
    TaskResolved,
    TaskStarted,
    TaskSucceeded,
    TurnAnswered,
)
from engine.core.values import JsonObject
from engine.errors import Malformed, Newer

__all__ = [
    "ApproversAsked",
    "AskingFailed",
    "AttemptAlive",
    "AttemptLost",
    "AttemptUnclaimed",
    "CacheAnswered",
    "CancelRequested",
    "ChildEnded",
    "ChildStarted",
    "ChildrenDue",
    "ChildrenFound",
    "DecisionMade",
    "EventReceived",
    "EventsLookedAt",
    "ExitRequested",
    "ItemsCollected",
    "PauseRequested",
    "ResumeRequested",
    "RetryRequested",
    "ScopeSettled",
    "ScopeStarted",
    "ScopeStirred",
    "SlotAnswered",
    "TaskCancelled",
    "TaskFailed",
    "TaskResolved",
    "TaskStarted",
    "TaskSucceeded",
    "TimersDue",
    "TurnAnswered",
    "UndoRequested",
]

Event: TypeAlias = (
    ScopeStarted
    | TaskStarted
    | TaskSucceeded
    | TaskFailed
    | TaskCancelled
    | AttemptAlive
    | AttemptLost
    | AttemptUnclaimed
    | TimersDue
    | ApproversAsked
    | AskingFailed
    | DecisionMade
    | CancelRequested
    | ScopeSettled
    | ScopeStirred
    | ChildrenDue
    | ItemsCollected
    | ChildrenFound
    | UndoRequested
    | ExitRequested
    | PauseRequested
    | ResumeRequested
    | RetryRequested
    | TaskResolved
    | CacheAnswered
    | SlotAnswered
    | TurnAnswered
    | ChildStarted
    | ChildEnded
    | EventReceived
    | EventsLookedAt
)

EVENTS: dict[str, Any] = {kind.type: kind for kind in Event.__args__}

_ENDINGS = frozenset({"succeeded", "failed", "cancelled"})
_WORDS = {
    "decision": {"approved", "rejected"},
    "outcome": _ENDINGS,
    "ending": {*_ENDINGS, None},
    "state": _ENDINGS,
    "resolution": _ENDINGS,
    "what": {"open", "cancel", "resume", "retry", "undo"},
    "answer": {"granted", "waiting", "refused"},
}
_TYPES = {
    "str": str,
    "int": int,
    "bool": bool,
    "TaskError": dict,
    "JsonObject": dict,
    "list[str]": list,
    "list[ScopeFailure]": list,
}
_EXPECTED = {
    name: {f.name: _TYPES.get(str(f.type), object) for f in fields(kind) if f.name != "at"}
    for name, kind in EVENTS.items()
}
_CHOSEN = {name: [(field, _WORDS[field]) for field in known if field in _WORDS] for name, known in _EXPECTED.items()}


def to_json(event: Event) -> JsonObject:
    """The form on the wire and in history: `type` and the fields; `at` has a column of its own."""
    body: JsonObject = {"type": event.type}
    for name in _EXPECTED[event.type]:
        body[name] = getattr(event, name)
    return body


def from_json(body: JsonObject, at: int) -> Event:
    """Read an event back, stamped with `at`.

    Raises Newer on a type, a field or a word that this version does not know, Malformed on values that do not fit.
    """
    arguments = dict(body)
    kind = EVENTS.get(str(arguments.pop("type", "")))
    if kind is None:
        raise Newer(f"unknown event type {body.get('type')!r}")
    expected = _EXPECTED[kind.type]
    if unknown := [name for name in arguments if name not in expected]:
        raise Newer(f"event {kind.type} has unknown fields: {', '.join(sorted(unknown))}")
    try:
        event: Event = kind(**arguments, at=at)
        odd = [name for name, value in arguments.items() if not isinstance(value, expected[name])]
        strange = [name for name, words in _CHOSEN[kind.type] if name in arguments and arguments[name] not in words]
    except TypeError as error:
        raise Malformed(f"event {body['type']} does not fit: {error}") from None
    if odd:
        raise Malformed(f"event {body['type']} does not fit: {', '.join(odd)}")
    if strange:
        raise Newer(f"event {body['type']} has unknown words: {', '.join(strange)}")
    return event
