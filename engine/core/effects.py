"""What takes effect in the transaction of the event that asked for it; some of it is answered there by another event."""

from __future__ import annotations

from dataclasses import field
from typing import ClassVar, Literal

from engine.core.frozen import frozen
from engine.core.state import DecisionRun, ScopeFailure
from engine.core.values import Json, JsonObject


@frozen
class OpenApproval:
    """Same transaction: a row in `approvals`. `expires_at` in milliseconds since the epoch."""

    type: ClassVar[str] = "OpenApproval"
    path: str
    attempt: int
    message: str
    approvers: list[str]
    """As written: `person`, `group:name`."""
    require: int = 1
    exclude: list[str] = field(default_factory=list)
    form: JsonObject = field(default_factory=dict)
    channel: str | None = None
    expires_at: int | None = None


@frozen
class RecordDecision:
    """Same transaction: a row in `approval_decisions`."""

    type: ClassVar[str] = "RecordDecision"
    path: str
    attempt: int
    person: str
    decision: DecisionRun
    via: str = ""


@frozen
class CloseApproval:
    """Same transaction: the approval is settled; its links show the result from now on."""

    type: ClassVar[str] = "CloseApproval"
    path: str
    attempt: int
    outcome: str


@frozen
class OpenScope:
    """Same transaction: a child scope comes to be and takes ScopeStarted.

    `again`: it may be there already, settled, and starts anew.
    """

    type: ClassVar[str] = "OpenScope"
    scope: str
    ending: Literal["succeeded", "failed", "cancelled"] | None = None
    failures: list[ScopeFailure] = field(default_factory=list)
    locals: JsonObject | None = None
    key: str = ""
    again: bool = False
    began: int = 0


@frozen
class CancelScope:
    """Same transaction: a child scope takes CancelRequested."""

    type: ClassVar[str] = "CancelScope"
    scope: str
    by: str
    reason: str = ""


@frozen
class SettleScope:
    """Same transaction: this scope has ended. Its parent takes ScopeSettled; at the root the instance is final."""

    type: ClassVar[str] = "SettleScope"
    outcome: Literal["succeeded", "failed", "cancelled"]
    outputs: Json = None
    failures: list[ScopeFailure] = field(default_factory=list)
    done: bool | None = None
    undone: bool = False
    idle: bool = False
    not_undone: list[ScopeFailure] = field(default_factory=list)


@frozen
class TellChildren:
    """Same transaction: up to a window of the task's child scopes take what their parent took, in the order of their paths.

    `cancel`: live ones take CancelRequested. `resume`: live ones take ResumeRequested. `retry`: settled ones that did not
    succeed take RetryRequested. If there may be more, the scope takes ChildrenDue in a transaction of its own.
    """

    type: ClassVar[str] = "TellChildren"
    task: str
    attempt: int
    what: Literal["cancel", "resume", "retry"]
    by: str = ""
    reason: str = ""
    after: str = ""
    limit: int = 0
    """At most so many; the scope says when there is room for more. 0: all."""
    besides: list[str] = field(default_factory=list)
    """Scopes that are told otherwise."""
    began: int = 0
    """With `retry`: only items of this beginning of the task."""


@frozen
class CollectItems:
    """Same transaction: this scope takes ItemsCollected with the outputs of the task's `count` items, those of one beginning."""

    type: ClassVar[str] = "CollectItems"
    task: str
    attempt: int
    count: int
    began: int = 0


@frozen
class FindChildren:
    """Same transaction: this scope takes ChildrenFound."""

    type: ClassVar[str] = "FindChildren"
    task: str
    weight: int = 1
    """Scopes that undoing one of those found may change."""
    first: bool = False
    """The transaction is there for this: one at least is found."""


@frozen
class TellScope:
    """Same transaction: another scope of the instance takes this event, stamped with the same time."""

    type: ClassVar[str] = "TellScope"
    scope: str
    event: JsonObject
    """In the form of `engine.core.events.to_json`."""


@frozen
class LookUpCache:
    """Same transaction: answered by CacheAnswered."""

    type: ClassVar[str] = "LookUpCache"
    task: str
    attempt: int
    path: str
    key: str
    ttl: int | None = None
    afresh: bool = False
    """There shall be none to take; what comes of the attempt is kept in its place."""


@frozen
class KeepOutputs:
    """Same transaction: a success's outputs can be taken by later runs."""

    type: ClassVar[str] = "KeepOutputs"
    path: str
    key: str
    outputs: Json


@frozen
class ForgetOutputs:
    """Same transaction: what was kept of a task is being undone, so no later run may take it.

    Without a `key` all that is kept of the tasks inside, whatever their keys.
    """

    type: ClassVar[str] = "ForgetOutputs"
    path: str
    key: str | None = None


@frozen
class TakeSlot:
    """Same transaction: a slot of a concurrency group is wanted; answered by SlotAnswered, perhaps again later.

    With `cancel_running` the holders are cancelled. `whole`: for the instance itself. Asking again changes nothing.
    """

    type: ClassVar[str] = "TakeSlot"
    group: str
    limit: int
    when_full: Literal["queue", "cancel_running", "reject"]
    task: str = ""
    attempt: int = 0
    whole: bool = False


@frozen
class ReleaseSlot:
    """Same transaction: the slot, or the place in the queue, is given up, and the next in the queue hears of it."""

    type: ClassVar[str] = "ReleaseSlot"
    group: str
    task: str = ""
    whole: bool = False


@frozen
class TakeTurn:
    """Same transaction: a start within a rate limit is reserved; answered by TurnAnswered."""

    type: ClassVar[str] = "TakeTurn"
    group: str
    limit: int
    per: int
    task: str = ""
    attempt: int = 0


@frozen
class AwaitEvent:
    """Same transaction: the task waits for an event of this type for which `match` holds.

    `match` is an expression as `engine.core.expressions.codec` writes it, `names` the values it reads besides `event`.
    `since` in milliseconds since the epoch: earlier events do not count.
    """

    type: ClassVar[str] = "AwaitEvent"
    path: str
    attempt: int
    event: str
    since: int
    match: Json = None
    names: JsonObject = field(default_factory=dict)


@frozen
class StopAwaiting:
    """Same transaction: the task does not wait for an event any more."""

    type: ClassVar[str] = "StopAwaiting"
    path: str
    attempt: int
