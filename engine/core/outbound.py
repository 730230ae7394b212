"""What leaves through the outbox: asked of workers, or taken in a transaction of its own."""

from __future__ import annotations

from typing import ClassVar

from engine.core.frozen import frozen
from engine.core.values import Json, JsonObject


@frozen
class RunTask:
    """Outbox, to the task queue: run one attempt.

    `params` and `env` are rendered; where an expression reads a secret they hold
    `{"$deferred": {"template": <template JSON>, "names": <the other values it reads>}}`, which the worker finishes.
    `timeout` in milliseconds bounds the attempt. `outputs` are the declared schemas.
    """

    type: ClassVar[str] = "RunTask"
    instance: str
    path: str
    attempt: int
    kind: str
    params: Json
    env: Json = None
    outputs: JsonObject | None = None
    timeout: int | None = None
    workflow: str = ""
    queue: str = "tasks"
    generation: int = 1
    """For the idempotency key (`engine.core.keys`)."""
    artifacts: JsonObject | None = None
    """`in`: a list of `{"path", "attempt", "name", "to"}`; `out`: name to path or glob."""
    priority: int = 0


@frozen
class StartChild:
    """Outbox, to the task queue: start an instance of another workflow, or find the one that was started for this attempt.

    Answered by ChildStarted, or by ChildEnded if it has ended already. `inputs` are rendered; `wait` is false where nobody
    waits for its end.
    """

    type: ClassVar[str] = "StartChild"
    instance: str
    path: str
    attempt: int
    child: str
    """The name of the other workflow."""
    inputs: Json
    wait: bool = True
    workflow: str = ""
    queue: str = "tasks"


@frozen
class CancelChild:
    """Outbox, to the task queue: cancel the instance that a task started. Answered by ChildEnded if it has ended."""

    type: ClassVar[str] = "CancelChild"
    instance: str
    path: str
    attempt: int
    child: str
    """The instance's id, "" if it is not known yet."""
    by: str
    reason: str = ""
    queue: str = "tasks"


@frozen
class MatchEvent:
    """Outbox, to the task queue: look for an event that came before the task waited. Answered by EventReceived if there is one."""

    type: ClassVar[str] = "MatchEvent"
    instance: str
    path: str
    attempt: int
    queue: str = "tasks"


@frozen
class RouteEvent:
    """Outbox, to the task queue: tell everybody who waits for an event, or starts because of one. No instance hears an answer."""

    type: ClassVar[str] = "RouteEvent"
    event: str
    """Its id."""
    queue: str = "tasks"


@frozen
class GoOn:
    """Outbox, to the notification queue: this scope takes another event (`engine.core.events.to_json`), in a transaction of its own."""

    type: ClassVar[str] = "GoOn"
    instance: str
    scope: str
    event: JsonObject
    queue: str = "notifications"


@frozen
class CancelTask:
    """Outbox: whoever runs this attempt, or takes it up, stop it."""

    type: ClassVar[str] = "CancelTask"
    instance: str
    path: str
    attempt: int
    queue: str = "tasks"


@frozen
class AskApprovers:
    """Outbox, to the task queue: tell the people who may decide. Answered by ApproversAsked or AskingFailed."""

    type: ClassVar[str] = "AskApprovers"
    instance: str
    path: str
    attempt: int
    workflow: str = ""
    queue: str = "tasks"
