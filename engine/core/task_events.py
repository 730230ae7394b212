"""What can happen to one task of a scope."""

from __future__ import annotations

from dataclasses import field
from typing import ClassVar, Literal

from engine.core.frozen import frozen
from engine.core.state import TaskError
from engine.core.values import Json, JsonObject


@frozen
class TaskStarted:
    """A worker has been running an attempt for over a second."""

    type: ClassVar[str] = "TaskStarted"
    task: str
    attempt: int
    worker: str = ""
    at: int = 0


@frozen
class TaskSucceeded:
    """An attempt did what it was asked to."""

    type: ClassVar[str] = "TaskSucceeded"
    task: str
    attempt: int
    outputs: Json = None
    at: int = 0


@frozen
class TaskFailed:
    """An attempt failed, timed out (`error.kind == "timeout"`) or could not be run."""

    type: ClassVar[str] = "TaskFailed"
    task: str
    attempt: int
    error: TaskError
    at: int = 0


@frozen
class TaskCancelled:
    """A worker stopped an attempt because it was told to."""

    type: ClassVar[str] = "TaskCancelled"
    task: str
    attempt: int
    at: int = 0


@frozen
class AttemptAlive:
    """Its check was due and its lease is held: wait on."""

    type: ClassVar[str] = "AttemptAlive"
    task: str
    attempt: int
    at: int = 0


@frozen
class AttemptLost:
    """It had started, its check was due and nobody holds its lease: the worker died."""

    type: ClassVar[str] = "AttemptLost"
    task: str
    attempt: int
    at: int = 0


@frozen
class AttemptUnclaimed:
    """It had not started, its check was due and nobody holds its lease: the message seems lost, ask again."""

    type: ClassVar[str] = "AttemptUnclaimed"
    task: str
    attempt: int
    at: int = 0


@frozen
class ApproversAsked:
    """The people who may decide were told. `undelivered` names those who could not be reached."""

    type: ClassVar[str] = "ApproversAsked"
    task: str
    attempt: int
    undelivered: list[str] = field(default_factory=list)
    at: int = 0


@frozen
class AskingFailed:
    """Nobody could be told; it is tried again later, and the approval's page works meanwhile."""

    type: ClassVar[str] = "AskingFailed"
    task: str
    attempt: int
    message: str
    at: int = 0


@frozen
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


@frozen
class TaskResolved:
    """A person or a program ended a task from outside: completed it, failed it, or cancelled it."""

    type: ClassVar[str] = "TaskResolved"
    task: str
    resolution: Literal["succeeded", "failed", "cancelled"]
    by: str
    outputs: Json = None
    error: TaskError | None = None
    attempt: int | None = None
    """Which one is meant by who cancels what he knew of; None is any, for people mean the task."""
    at: int = 0


@frozen
class CacheAnswered:
    """Whether outputs of an earlier success can be taken."""

    type: ClassVar[str] = "CacheAnswered"
    task: str
    attempt: int
    hit: bool
    outputs: Json = None
    at: int = 0


@frozen
class SlotAnswered:
    """What became of the wish for a slot; `task` "" with `whole` is the instance itself.

    `granted`: it has one now. `waiting`: it is in the queue, and hears again. `refused`: the group is full.
    """

    type: ClassVar[str] = "SlotAnswered"
    task: str
    attempt: int
    answer: Literal["granted", "waiting", "refused"]
    whole: bool = False
    at: int = 0


@frozen
class TurnAnswered:
    """When a rate limit lets a task start; `due` in milliseconds since the epoch, in the past for now."""

    type: ClassVar[str] = "TurnAnswered"
    task: str
    attempt: int
    due: int
    at: int = 0


@frozen
class ChildStarted:
    """The instance that a `workflow` task asked for is there."""

    type: ClassVar[str] = "ChildStarted"
    task: str
    attempt: int
    child: str
    at: int = 0


@frozen
class ChildEnded:
    """The instance that a `workflow` task started is final."""

    type: ClassVar[str] = "ChildEnded"
    task: str
    attempt: int
    child: str
    outcome: Literal["succeeded", "failed", "cancelled"]
    outputs: Json = None
    error: TaskError | None = None
    at: int = 0


@frozen
class EventReceived:
    """An event that an `event` task waits for has come; each event counts once for an instance."""

    type: ClassVar[str] = "EventReceived"
    task: str
    attempt: int
    event: JsonObject
    """`id`, `type`, `source`, `body`, `received_at`."""
    taken: bool = False
    """The instance has used it up already, for another task: it is none for this one."""
    at: int = 0


@frozen
class EventsLookedAt:
    """No event that an `event` task waits for has come yet."""

    type: ClassVar[str] = "EventsLookedAt"
    task: str
    attempt: int
    at: int = 0
