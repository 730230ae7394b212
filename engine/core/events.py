"""What can happen to a scope. Facts, past tense; `at` is database time in milliseconds, stamped by `advance` (law 3)."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal, TypeAlias

from engine.core.state import ScopeFailure, TaskError
from engine.core.values import Json, JsonObject
from engine.errors import Malformed


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeStarted:
    """The scope came to be. For `finally`, `ending` and `failures` say how the instance is about to end."""

    type: ClassVar[str] = "ScopeStarted"
    at: int = 0
    ending: Literal["succeeded", "failed", "cancelled"] | None = None
    failures: list[ScopeFailure] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStarted:
    """A worker has been running an attempt for over a second."""

    type: ClassVar[str] = "TaskStarted"
    task: str
    attempt: int
    worker: str = ""
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSucceeded:
    """An attempt did what it was asked to."""

    type: ClassVar[str] = "TaskSucceeded"
    task: str
    attempt: int
    outputs: Json = None
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFailed:
    """An attempt failed, timed out (`error.kind == "timeout"`) or could not be run."""

    type: ClassVar[str] = "TaskFailed"
    task: str
    attempt: int
    error: TaskError
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCancelled:
    """A worker stopped an attempt because it was told to."""

    type: ClassVar[str] = "TaskCancelled"
    task: str
    attempt: int
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptAlive:
    """Its check was due and its lease is held: wait on."""

    type: ClassVar[str] = "AttemptAlive"
    task: str
    attempt: int
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptLost:
    """It had started, its check was due and nobody holds its lease: the worker died."""

    type: ClassVar[str] = "AttemptLost"
    task: str
    attempt: int
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptUnclaimed:
    """It had not started, its check was due and nobody holds its lease: the message seems lost, ask again."""

    type: ClassVar[str] = "AttemptUnclaimed"
    task: str
    attempt: int
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TimersDue:
    """Every timer of the scope with a time at or before `at` is due (checks excepted: they need a look at the leases)."""

    type: ClassVar[str] = "TimersDue"
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproversAsked:
    """The people who may decide were told. `undelivered` names those who could not be reached."""

    type: ClassVar[str] = "ApproversAsked"
    task: str
    attempt: int
    undelivered: list[str] = field(default_factory=list)
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AskingFailed:
    """Nobody could be told; it is tried again later, and the approval's page works meanwhile."""

    type: ClassVar[str] = "AskingFailed"
    task: str
    attempt: int
    message: str
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionMade:
    """A person, already found to be allowed to, approved or rejected."""

    type: ClassVar[str] = "DecisionMade"
    task: str
    attempt: int
    person: str
    decision: Literal["approved", "rejected"]
    comment: str = ""
    form: JsonObject = field(default_factory=dict)
    via: str = ""
    """`link`, `api` or `chat`."""
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested:
    """Somebody asked for the scope (and so, at the root, the instance) to be cancelled."""

    type: ClassVar[str] = "CancelRequested"
    by: str
    reason: str = ""
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeSettled:
    """A child scope has ended; its parent takes this in the same transaction."""

    type: ClassVar[str] = "ScopeSettled"
    scope: str
    outcome: Literal["succeeded", "failed", "cancelled"]
    outputs: Json = None
    failures: list[ScopeFailure] = field(default_factory=list)
    at: int = 0


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
)

EVENTS: dict[str, Any] = {kind.type: kind for kind in Event.__args__}
_NAMES = {name: tuple(f.name for f in fields(kind) if f.name != "at") for name, kind in EVENTS.items()}

_ENDINGS = frozenset({"succeeded", "failed", "cancelled"})
_WORDS = {"decision": {"approved", "rejected"}, "outcome": _ENDINGS, "ending": {*_ENDINGS, None}}
_TYPES = {"str": str, "int": int, "TaskError": dict, "JsonObject": dict, "list[str]": list, "list[ScopeFailure]": list}
_EXPECTED = {
    name: [(f.name, _TYPES[f.type]) for f in fields(kind) if f.type in _TYPES] for name, kind in EVENTS.items()
}


def to_json(event: Event) -> JsonObject:
    """The form on the wire and in history: `type` and the fields; `at` has a column of its own."""
    body: JsonObject = {"type": event.type}
    for name in _NAMES[event.type]:
        body[name] = getattr(event, name)
    return body


def from_json(body: JsonObject, at: int) -> Event:
    """Read an event back, stamped with `at`.

    Raises Malformed on an unknown type or fields that do not fit: such a message is parked, never looped on.
    """
    arguments = dict(body)
    kind = EVENTS.get(str(arguments.pop("type", "")))
    if kind is None:
        raise Malformed(f"unknown event type {body.get('type')!r}")
    try:
        event: Event = kind(**arguments, at=at)
        odd = [name for name, expected in _EXPECTED[event.type] if not isinstance(getattr(event, name), expected)]
        odd += [name for name, words in _WORDS.items() if name in arguments and arguments[name] not in words]
    except TypeError as error:
        raise Malformed(f"event {body['type']} does not fit: {error}") from None
    if odd:
        raise Malformed(f"event {body['type']} does not fit: {', '.join(odd)}")
    return event
