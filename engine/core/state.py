"""The shape of a scope's stored state. Plain JSON on purpose: it is read and written once per event (decision 0002).

Nothing here is mutated in place by `decide`; all times are milliseconds since the epoch in database time.
"""

from __future__ import annotations

from typing import Literal, Required, TypedDict

from engine.core.values import Json, JsonObject

TaskState = str
"""`queued`, `running`, `waiting`, or the outcome once the task has ended. A task that is not in the map is `pending`."""

PENDING = "pending"
"""How people call a task without a run."""
ACTIVE = frozenset({"queued", "running", "waiting"})


class TaskError(TypedDict, total=False):
    """Why an attempt failed. `kind` is stable and can be tested in `retry.if`; `line` and `column` point into the workflow file."""

    kind: Required[str]
    message: Required[str]
    details: JsonObject
    line: int
    column: int


class SkipReason(TypedDict, total=False):
    """Why a task was skipped: an edge that cannot be satisfied, a false condition, the end of its scope, or somebody's wish.

    `rest`: another task's `cancel_rest` had no more use for it.
    """

    cause: Required[Literal["edge", "condition", "scope", "rest", "operator"]]
    edge: str
    """`build.failed`: the label it listened for."""
    got: str
    """The outcome that came instead."""
    condition: str
    values: JsonObject
    """What the condition read: path in dots to value."""


class DecisionRun(TypedDict, total=False):
    """What one person decided. A person's first decision is the one that counts."""

    decision: Required[Literal["approved", "rejected"]]
    at: Required[int]
    comment: str
    form: JsonObject


class ApprovalRun(TypedDict, total=False):
    """A human approval under way. `asked` is set once the approvers were told (or that was given up)."""

    require: Required[int]
    decisions: Required[dict[str, DecisionRun]]
    asked: bool
    ask_failures: int


class ItemsRun(TypedDict, total=False):
    """The items of a `for_each`: counters, however many there are (law 8). Each item's own state is in its scope."""

    total: Required[int]
    next: Required[int]
    """The index of the first item that is not open yet."""
    active: Required[int]
    """Open items that have not settled."""
    busy: Required[int]
    """Those of them in which something runs; of the others a person, an event or a timer is awaited."""
    succeeded: Required[int]
    failed: Required[int]
    """Items that settled with another end."""
    again: int
    """Items that had settled and are to go on with a retry, until they are told."""
    after: str
    """The path of the last of those that was told."""
    asked: bool
    """Some are being told in this very transaction."""
    began: int
    """The attempt in which the task began anew, perhaps with other items; absent for the first."""
    closed: bool
    """No more items are opened: enough have succeeded, or one has failed and `fail_fast` holds, or the task is cancelled."""
    lost: int
    """Of a task told to stop: items that had failed before, or had a failure in them."""
    failures: list[ScopeFailure]
    """The first few of those items' failures."""


class IterationsRun(TypedDict, total=False):
    """The iterations of a `repeat`."""

    number: Required[int]
    """The current iteration, from 1; 0 before the first."""
    active: Required[bool]
    busy: bool
    failed: bool
    """The current iteration ended without success: a retry goes on with it."""
    previous: Json
    """The outputs of the last iteration that succeeded."""


class UndoRun(TypedDict, total=False):
    """The undoing of a scope's tasks, newest first, one at a time."""

    left: Required[list[str]]
    """Tasks still to be undone, the next one last."""
    now: str
    """The task being undone."""
    scopes: list[str]
    """Of a task with child scopes, those found that are still to be undone, the next one last; the last is being undone."""
    windows: int
    """How often the next of them were left to a transaction of their own; while they are, the task has a check."""
    failures: list[ScopeFailure]
    """Compensations that failed."""


class CarriedRun(TypedDict, total=False):
    """What outlives a task's run when it is set back to pending: attempt numbers go on."""

    attempt: Required[int]
    generation: Required[int]
    afresh: bool


class TaskRun(TypedDict, total=False):
    """One task of the scope. Keys that do not apply are absent.

    `timers` maps a timer's name to when it is due: `check` (the message or its worker seems lost; of a `for_each`, the next
    window of its children), `timeout`, `deadline`, `retry` (the next attempt starts), `wait`, `expiry`, `event` (what
    it waits for has not come in time), `ask` (tell the approvers again), `cancel` (grace is over), `next` (the next
    iteration starts), `gate` (what it waits for is asked for again), `rate` (a rate limit lets it start).
    """

    state: Required[TaskState]
    attempt: Required[int]
    """1 for the first; 0 for a task that never had one (skipped)."""
    used: int
    """Attempts that failed and count against `max_attempts`."""
    losses: int
    resends: int
    ready_at: int
    started_at: int
    finished_at: int
    outputs: Json
    error: TaskError
    skipped: SkipReason
    approval: ApprovalRun
    timers: dict[str, int]
    unseen: list[str]
    """Tasks its expressions read that had not settled when its join was decided: it never sees them (decision 0006). One with
    scopes keeps them when it has ended: with a retry it goes on, with the same items."""
    generation: int
    """How often the task has been run anew after an undo or a manual retry of a success; absent for 1."""
    held: Literal["begin", "gate", "again", "more"]
    """What it would do if the instance were not paused: start, start its next attempt, or open more child scopes."""
    telling: Literal["resume", "retry"]
    """What its items are told, a window after the other, until all have been."""
    called_off: bool
    """Its own scope cancelled it: being cancelled is not negative then. A leaf by `exit`, `fail_fast` or `cancel_rest`; a task
    with scopes by `cancel_rest` only, for the others do not hide what had failed in it before."""
    gate: Literal["cache", "slot", "rate"]
    """What is asked for before the attempt starts: an earlier result, a slot of its concurrency group, its turn."""
    queued_at: int
    """When it was told to wait for a slot."""
    group: str
    """The concurrency group in which it holds, or waits for, a slot."""
    cache_key: str
    """Under which its outputs are kept once it has succeeded."""
    cached: bool
    """Its outputs are an earlier run's."""
    afresh: bool
    """A retry named it: neither it nor what is in it takes an earlier run's outputs, until it has succeeded once more."""
    child: str
    """The instance that a `workflow` task started."""
    waits_for: str
    """The type of the event that an `event` task waits for."""
    by: str
    """Who completed, failed or cancelled it by hand. A cancelled one counts as ended badly: its scope did not want that."""
    items: ItemsRun
    iterations: IterationsRun
    undone: bool
    """It was undone, or that was tried."""


class ScopeFailure(TypedDict, total=False):
    """One unhandled negative outcome, as `instance.failures` lists them. `path` is "" for the scope itself."""

    path: Required[str]
    outcome: Required[str]
    error: TaskError


class CancelRun(TypedDict, total=False):
    """Who cancelled the scope and why."""

    by: Required[str]
    reason: str
    at: Required[int]


class ScopeState(TypedDict, total=False):
    """One run of one task list.

    `status`: `queued` (root only: waits for a slot of its concurrency group); `running`; `cancelling` (starts nothing new,
    waits for what runs); `compensating` (its tasks have ended and are being undone); `finally` (root only: its own tasks
    have ended, the scope `finally` runs, `outcome` is what will be recorded); `settled` (`outcome` is final).
    `timers` of the scope itself: `timeout`, `slot` (it is asked for again), and `check` (what it asked another scope or
    instance for seems lost).
    """

    status: Required[Literal["queued", "running", "cancelling", "compensating", "finally", "settled"]]
    at: Required[int]
    """The `at` of the last event it took."""
    started_at: Required[int]
    tasks: Required[dict[str, TaskRun]]
    timers: dict[str, int]
    cancel: CancelRun
    outcome: Literal["succeeded", "failed", "cancelled"]
    outputs: Json
    error: TaskError
    """Why the scope itself failed (its timeout, an error in `outputs`)."""
    failures: list[ScopeFailure]
    finished_at: int
    ending: Literal["succeeded", "failed", "cancelled"]
    """In the scope `finally`: the end about to be recorded, `instance.state` there."""
    ending_failures: list[ScopeFailure]
    """In the scope `finally`: `instance.failures` there."""
    locals: JsonObject
    """What only this scope and those below it can read: `item` by the name `as` gives it, `index`, `iteration`, `previous`."""
    key: str
    """Of an item: its key."""
    began: int
    """Of an item: which beginning of its `for_each` opened it. One of an earlier beginning is none of its items any more."""
    exit: ExitRun
    """Why it ends before its time, if a task wanted so."""
    put_off: PutOff
    """What a retry is to go on with; kept where it does not come to that, for the next."""
    paused: CancelRun
    """Root only: nothing new starts in the instance until it is resumed."""
    undo: UndoRun
    undone: bool
    """All its effects were undone after it had settled."""
    not_undone: list[ScopeFailure]
    """Compensations that failed here before it settled, or below: the first few. With one the instance ends failed."""
    done: bool
    """Of an iteration that has succeeded: what `until` said."""
    idle: bool
    """Its parent was told that nothing runs here."""
    carried: dict[str, CarriedRun]
    """Tasks set back to pending."""
    group: str
    """The concurrency group in which the instance holds, or waits for, a slot."""
    resends: int
    """Root only: how often it has asked again for that slot."""
    reopening: JsonObject
    """Root only: the RetryRequested that is taken once the instance has a slot again; until then it is as it had settled."""
    round: int
    """In which attempt of its task it was reopened last."""
    runs: int
    """How often the scope has been opened again by a retry; absent for never."""


class PutOff(TypedDict):
    """A retry runs `tasks` first, which had failed before the `exit` that ended the scope; that, and what it stopped, wait."""

    by: str
    tasks: list[str]
    exit: ExitRun


class ExitRun(TypedDict, total=False):
    """An `exit` task, or `fail_fast`, ends the scope."""

    state: Required[Literal["succeeded", "failed", "cancelled"]]
    task: str
    """The path of the task that wanted so."""


def has_begun(run: TaskRun) -> bool:
    """Whether an attempt has been started: not while the task is held before its first, or stands at a gate."""
    return "gate" not in run and run.get("held") not in ("begin", "gate")
