"""What can happen to a scope as a whole, or to the scopes below one of its tasks."""

from __future__ import annotations

from dataclasses import field
from typing import ClassVar, Literal

from engine.core.frozen import frozen
from engine.core.state import ScopeFailure, TaskError
from engine.core.values import Json, JsonObject


@frozen
class ScopeStarted:
    """The scope came to be. For `finally`, `ending` and `failures` say how the instance is about to end."""

    type: ClassVar[str] = "ScopeStarted"
    at: int = 0
    ending: Literal["succeeded", "failed", "cancelled"] | None = None
    failures: list[ScopeFailure] = field(default_factory=list)
    locals: JsonObject | None = None
    """What only this scope can read: an item and its index, or an iteration, its index and the outputs before it."""
    key: str = ""
    """Of an item: its key."""
    again: bool = False
    """It may have been there before, and starts anew."""
    began: int = 0
    """Of an item: the attempt in which its `for_each` began, if that was not the first."""


@frozen
class TimersDue:
    """Every timer of the scope with a time at or before `at` is due (checks excepted: they need a look at the leases)."""

    type: ClassVar[str] = "TimersDue"
    at: int = 0


@frozen
class CancelRequested:
    """Somebody asked for the scope (and so, at the root, the instance) to be cancelled."""

    type: ClassVar[str] = "CancelRequested"
    by: str
    reason: str = ""
    attempt: int | None = None
    """At the root: the life of the instance that is meant (`gates.instance_attempt`); None is any."""
    at: int = 0


@frozen
class ScopeSettled:
    """A child scope has ended; its parent takes this in the same transaction."""

    type: ClassVar[str] = "ScopeSettled"
    scope: str
    outcome: Literal["succeeded", "failed", "cancelled"]
    outputs: Json = None
    """Left out for an item, whose outputs are gathered at the end, if anybody reads them."""
    failures: list[ScopeFailure] = field(default_factory=list)
    done: bool | None = None
    """Of an iteration: what `until` said."""
    undone: bool = False
    """The scope had settled before, and its effects have been undone since."""
    idle: bool = False
    """The parent was told that nothing ran in it."""
    not_undone: list[ScopeFailure] = field(default_factory=list)
    """Compensations that failed in it or below, the first few: the instance ends failed, whoever handles the scope's own end."""
    at: int = 0


@frozen
class ScopeStirred:
    """In a child scope something runs again, or nothing does and a person, an event or a timer is awaited."""

    type: ClassVar[str] = "ScopeStirred"
    scope: str
    busy: bool
    before: Literal["", "succeeded", "failed"] = ""
    """It was named in a retry; it had settled so (undone counts as failed), and goes on."""
    at: int = 0


@frozen
class ChildrenDue:
    """The next window of a task's child scopes is to be opened, undone, or told what its scope was told (`what`)."""

    type: ClassVar[str] = "ChildrenDue"
    task: str
    attempt: int
    what: Literal["open", "cancel", "resume", "retry", "undo"]
    after: str = ""
    """The path of the last child scope that was told; of what is opened or undone, how far that has come."""
    told: bool = False
    """That was the last one."""
    count: int | None = None
    """In the transaction in which they are told: so many are told right now to go on with a retry, each of which will settle again."""
    at: int = 0


@frozen
class ItemsCollected:
    """The outputs of all items of a `for_each`, in their order, null for those that have none."""

    type: ClassVar[str] = "ItemsCollected"
    task: str
    attempt: int
    outputs: Json = None
    error: TaskError | None = None
    """They are too large to be kept."""
    at: int = 0


@frozen
class ChildrenFound:
    """The child scopes of a task that ended positively and are not undone, oldest completion first; at most a window."""

    type: ClassVar[str] = "ChildrenFound"
    task: str
    scopes: list[str]
    later: bool = False
    """There are some, and this transaction has changed as many scopes as one may: they are for the next."""
    at: int = 0


@frozen
class UndoRequested:
    """A scope that ended well is to be undone, because one above it failed."""

    type: ClassVar[str] = "UndoRequested"
    at: int = 0


@frozen
class ExitRequested:
    """A task of a scope below wants the instance to end."""

    type: ClassVar[str] = "ExitRequested"
    state: Literal["succeeded", "failed", "cancelled"]
    path: str
    at: int = 0


@frozen
class PauseRequested:
    """Nothing new is to start in the instance until it is resumed."""

    type: ClassVar[str] = "PauseRequested"
    by: str
    reason: str = ""
    at: int = 0


@frozen
class ResumeRequested:
    """The pause is over; goes down to every live scope."""

    type: ClassVar[str] = "ResumeRequested"
    by: str
    at: int = 0


@frozen
class RetryRequested:
    """A settled scope is to go on: with its unhandled negative tasks, or with `tasks` (paths, within this scope) and all after them.

    At the root `digest` names the definition to go on with, if it is another one.
    """

    type: ClassVar[str] = "RetryRequested"
    by: str
    tasks: list[str] = field(default_factory=list)
    digest: str = ""
    round: int = 0
    """Below the root: the attempt of the task that goes on; a scope goes on once in each."""
    at: int = 0
