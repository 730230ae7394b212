"""Rows as the use cases see them: what goes into the two databases and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from engine.app.kept_outputs import ForgottenOutputs, KeptOutputs
from engine.core.commands import AwaitEvent, CloseApproval, OpenApproval, RecordDecision, StopAwaiting
from engine.core.frozen import frozen
from engine.core.project import DEFAULT_QUEUE, RESERVED_QUEUE
from engine.core.state import ScopeState
from engine.core.values import Json, JsonObject

InstanceState = Literal["queued", "running", "waiting", "paused", "compensating", "succeeded", "failed", "cancelled"]
FINAL: frozenset[str] = frozenset({"succeeded", "failed", "cancelled"})
UNFINISHED: frozenset[str] = frozenset({"queued", "running", "waiting", "paused", "compensating"})
"""All other states of an instance: to ask for these uses an index, to leave out the final ones does not."""

NOTIFICATIONS = RESERVED_QUEUE
"""The queue of events on their way to their instances; every other queue is a task queue."""

TASKS = DEFAULT_QUEUE
"""The task queue of tasks that name none."""


@frozen
class Message:
    """One message on its way to a queue: `body` is a command or a notification as JSON. `id` is its outbox row, if any.

    `attempts` counts the processes that could not read it, each an older version than who sent it.
    """

    queue: str
    body: JsonObject
    id: str | None = None
    attempts: int = 0


@frozen
class Notification:
    """An event on its way to its instance; `event` is `engine.core.events.to_json`'s form."""

    instance: str
    scope: str
    event: JsonObject


@frozen
class Parent:
    """The attempt of a `workflow` task that an instance was started for."""

    instance: str
    path: str
    attempt: int


@frozen
class Facts:
    """What an instance was started with; never changes, so processes may keep it."""

    workflow: str
    digest: str
    commit: str
    inputs: JsonObject
    trigger: JsonObject
    started_by: str
    started_at: int
    depth: int = 0
    """How many instances stand above it: each was started by the one before, as its child or after its end."""
    parent: Parent | None = None


@frozen
class NewInstance:
    """An instance to insert. `start_key` makes a start happen once: a second insert with the same key is refused."""

    id: str
    facts: Facts
    version: str
    """Id of the workflow version in the definitions DB, for display."""
    start_key: str | None = None
    delivery: str | None = None


@frozen
class LockedInstance:
    """An instance row under lock. `seq` is the number of its last history row, 0 for none."""

    id: str
    digest: str
    state: InstanceState
    seq: int


@frozen
class LoadedScope:
    """A scope as stored. `version` fences the write."""

    state: ScopeState
    version: int


@frozen
class ScopeWrite:
    """A scope to write. `version` is the new one, 1 meaning insert, else the row must have `version - 1`.

    `next_due_at` in milliseconds, rounded up by the writer to coarse steps.
    """

    instance: str
    path: str
    state: ScopeState
    version: int
    next_due_at: int | None


@frozen
class HistoryRow:
    """One event an instance took (`accepted`) or was too late for."""

    instance: str
    seq: int
    scope: str
    event: JsonObject
    accepted: bool
    at: int


@frozen
class InstanceChange:
    """What changed of an instance row: always `seq`; state and what comes with it when it moved."""

    id: str
    seq: int
    state: InstanceState | None = None
    outputs: Json = None
    error: Json = None
    finished_at: int | None = None


@frozen
class ApprovalEffect:
    """An approval command with the instance it belongs to and the time it was decided."""

    instance: str
    command: OpenApproval | RecordDecision | CloseApproval
    at: int


@frozen
class Claim:
    """Who has, or waits for, a slot of a concurrency group: the attempt of a task, or with the path "" the instance."""

    instance: str
    path: str
    attempt: int


@frozen
class SlotWish:
    """A claim is to become a slot of a group that has `limit` of them."""

    group: str
    limit: int
    when_full: Literal["queue", "cancel_running", "reject"]
    claim: Claim


@frozen
class SlotVerdict:
    """What became of a wish, and of others by it: those who have a slot now, and those who have to go."""

    answer: Literal["granted", "waiting", "refused"]
    granted: tuple[Claim, ...] = ()
    displaced: tuple[Claim, ...] = ()


@frozen
class SlotClaim:
    """A claim as people see it. `place` counts from 1 among those that hold a slot, or those that wait; `leaving`: told to go."""

    group: str
    instance: str
    path: str
    attempt: int
    at: int
    leaving: bool
    place: int


@frozen
class SlotGroup:
    """A concurrency group as people see it: how many hold a slot or wait, and the oldest of them."""

    name: str
    limit: int
    held: int
    waiting: int
    holders: tuple[SlotClaim, ...]
    waiters: tuple[SlotClaim, ...]


@frozen
class WaitEffect:
    """A task of this instance begins to wait for an event, or waits no more."""

    instance: str
    command: AwaitEvent | StopAwaiting


@dataclass(slots=True, kw_only=True)
class Record:
    """All that one transaction writes. Empty lists cost nothing."""

    definitions: dict[str, JsonObject] = field(default_factory=dict)
    """Digest to compiled document; known digests are left alone."""
    new_instances: list[NewInstance] = field(default_factory=list)
    instances: list[InstanceChange] = field(default_factory=list)
    scopes: list[ScopeWrite] = field(default_factory=list)
    history: list[HistoryRow] = field(default_factory=list)
    outbox: list[Message] = field(default_factory=list)
    """Every one with an id. Stored with publish_after = database now + 1 s."""
    published: list[str] = field(default_factory=list)
    """Outbox rows that have reached the broker: deleted."""
    approvals: list[ApprovalEffect] = field(default_factory=list)
    waits: list[WaitEffect] = field(default_factory=list)
    receipts: list[tuple[str, str]] = field(default_factory=list)
    """Instances with events that they use up."""
    deliveries: list[DeliveryResult] = field(default_factory=list)
    arrivals: list[tuple[NewDelivery, Delivery]] = field(default_factory=list)
    """Webhook calls that are stored only now, with what became of them. A key that another delivery holds refuses all."""
    adoptions: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """Instances that go on with another definition: its digest, version and commit."""
    forgotten: list[ForgottenOutputs] = field(default_factory=list)
    """Goes before what is kept."""
    kept: list[KeptOutputs] = field(default_factory=list)

    @property
    def ended(self) -> list[InstanceChange]:
        """Instances that become final here: each leaves a row for those who start after it."""
        return [change for change in self.instances if change.state in FINAL]


DeliveryState = Literal["received", "started", "ignored", "failed"]


@frozen
class Verdict:
    """What one workflow made of a delivery: an instance, or why none."""

    workflow: str
    instance: str | None = None
    reason: str = ""
    """`started`, or e.g. `condition is false`, `inputs do not fit: …`, `check refused: …`."""


@frozen
class DeliveryResult:
    """How a delivery ended; written only while the row is still `received`, else the transaction is refused."""

    id: str
    state: DeliveryState
    verdicts: tuple[Verdict, ...] = ()
    reason: str = ""


@frozen
class NewDelivery:
    """A webhook call as it came in, verified. `keys` de-duplicate: (key, hours it counts)."""

    id: str
    source: str
    provider: str
    event: str
    headers: JsonObject
    body: bytes
    keys: tuple[tuple[str, int], ...] = ()


@frozen
class Delivery:
    """A stored delivery. `received_at` in milliseconds."""

    id: str
    source: str
    provider: str
    event: str
    headers: JsonObject
    body: bytes
    state: DeliveryState
    reason: str
    verdicts: tuple[Verdict, ...]
    received_at: int


@frozen
class Instance:
    """An instance as people see it. Times in milliseconds."""

    id: str
    workflow: str
    version: str
    digest: str
    commit: str
    state: InstanceState
    inputs: JsonObject
    trigger: JsonObject
    outputs: Json
    error: Json
    started_by: str
    started_at: int
    finished_at: int | None
    delivery: str | None
    depth: int = 0
    parent: Parent | None = None


@frozen
class Approval:
    """An approval as people see it; `state` is `open` or the outcome it closed with."""

    id: str
    instance: str
    path: str
    attempt: int
    message: str
    approvers: tuple[str, ...]
    exclude: tuple[str, ...]
    require: int
    form: JsonObject
    channel: str | None
    state: str
    opened_at: int
    expires_at: int | None
    closed_at: int | None
    decisions: tuple[ApprovalDecision, ...] = ()


@frozen
class ApprovalDecision:
    """One person's decision as stored."""

    person: str
    decision: str
    comment: str
    form: JsonObject
    via: str
    at: int


@frozen
class DueScope:
    """A scope with a timer that is due."""

    instance: str
    path: str
    state: ScopeState


@frozen
class OutboxRow:
    """A message that nobody has seen published yet. `attempts` counts failed publishes, and who could not read it."""

    id: str
    queue: str
    body: JsonObject
    attempts: int


@frozen
class LogLine:
    """One line a task wrote. `stream` is `stdout`, `stderr` or `engine`."""

    instance: str
    path: str
    attempt: int
    number: int
    stream: str
    text: str
    at: int


@frozen
class Outgoing:
    """What a channel sends to people: plain text always; `to` for mail; `links` to act on, as (label, URL)."""

    subject: str
    text: str
    to: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
