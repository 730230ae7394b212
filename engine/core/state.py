"""The shape of a scope's stored state. Plain JSON on purpose: it is read and written once per event (decision 0002).

Nothing here is mutated in place by `decide`; all times are milliseconds since the epoch in database time.
"""

from __future__ import annotations

from typing import Literal, Required, TypedDict

from engine.core.values import Json, JsonObject

TaskState = str
"""`queued`, `running`, `waiting`, or the outcome once the task has ended. A task that is not in the map is `pending`."""

ACTIVE = frozenset({"queued", "running", "waiting"})


class TaskError(TypedDict, total=False):
    """Why an attempt failed. `kind` is stable and can be tested in `retry.if`; `line` and `column` point into the workflow file."""

    kind: Required[str]
    message: Required[str]
    details: JsonObject
    line: int
    column: int


class SkipReason(TypedDict, total=False):
    """Why a task was skipped: an edge that cannot be satisfied, a false condition, or the end of its scope."""

    cause: Required[Literal["edge", "condition", "scope"]]
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


class TaskRun(TypedDict, total=False):
    """One task of the scope. Keys that do not apply are absent.

    `timers` maps a timer's name to when it is due: `check` (the message or its worker seems lost), `timeout`,
    `deadline`, `retry` (the next attempt starts), `wait`, `expiry`, `ask` (tell the approvers again), `cancel` (grace is over).
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
    """Tasks its expressions read that had not settled when its join was decided: it never sees them (decision 0006)."""


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

    `status`: `running`; `cancelling` (starts nothing new, waits for what runs); `finally` (root only: its own tasks have
    ended, the scope `finally` runs, `outcome` is what will be recorded); `settled` (`outcome` is final).
    `timers` of the scope itself: `timeout`.
    """

    status: Required[Literal["running", "cancelling", "finally", "settled"]]
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
