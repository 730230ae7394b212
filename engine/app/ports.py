"""What the use cases need of the world. Protocols whose methods are intentions; adapters implement them, tests hold one
suite over all implementations. Every method may raise Unavailable; none blocks longer than its adapter's timeouts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Literal, Protocol

from engine.app.child_ports import Children
from engine.app.gate_ports import SharedGates
from engine.app.records import (
    Approval,
    Delivery,
    DueScope,
    Facts,
    HistoryRow,
    Instance,
    LoadedScope,
    LockedInstance,
    Message,
    OutboxRow,
    Record,
)
from engine.app.remembered import Known
from engine.app.trigger_ports import Look
from engine.app.versions import Listener, ListenerKind, ProjectVersion, Source, SyncReport, SyncState, Version
from engine.core.keys import ROOT
from engine.core.state import ScopeState
from engine.core.values import Json, JsonObject


class Locked(Protocol):
    """Instances under lock, and what was read after the lock was taken, or was known."""

    now: int
    """Database time in milliseconds."""
    instances: Mapping[str, LockedInstance]
    scopes: Mapping[tuple[str, str], LoadedScope]
    facts: Mapping[str, Facts]
    held: Collection[str]
    """Instances that were left out as another transaction holds them: nothing was read of them."""

    def definition(self, digest: str) -> JsonObject:
        """The compiled document; raises Broken if this database never had it."""
        ...

    def values(self, instance: str, digests: Sequence[str]) -> Mapping[str, Json]:
        """Large outputs of an instance, as far as they are there. A round trip: only for those that are not remembered."""
        ...

    def children(self, instance: str) -> Children:
        """The scopes of an instance that were not asked for when it was locked. A round trip each: only for what is rare."""
        ...

    @property
    def gates(self) -> SharedGates:
        """A few round trips each time: only for tasks and instances that have such gates."""
        ...

    def used_up(self, instance: str, event: str) -> bool:
        """Whether this instance has taken this event before. A round trip."""
        ...

    def record(self, record: Record) -> Collection[str]:
        """Write everything and commit. Returns published outbox rows that stay, as somebody is about to send them.

        Raises Conflict if a `start_key` exists, a delivery is not `received` any more, or
        another delivery holds a key of one that arrives.
        """
        ...


class InstanceStore(Protocol):
    """The instances DB on the hot path."""

    def lock(
        self,
        scopes: Collection[tuple[str, str]],
        *,
        facts_of: Collection[str] = (),
        known: Mapping[str, Known] = MappingProxyType({}),
        skip_held: bool = False,
    ) -> AbstractContextManager[Locked]:
        """Lock the instances of these (instance, scope path) keys in id order, then read the scopes, the facts of
        `facts_of` and the time. With no keys nothing is locked: a start only records. Leaving without `record` rolls back.

        What another transaction holds is waited for, or left out (`skip_held`).

        What is `known` is not read again, and may not be locked before it is written. Whatever follows raises Broken if
        it was not so any more.
        """
        ...

    def delete_published(self, ids: Collection[str]) -> Collection[str]:
        """Outbox rows that have reached the broker, when no batch came along to take them. Returns those that stay, as above."""
        ...

    def values(self, instance: str, digests: Sequence[str]) -> Mapping[str, Json]:
        """Large outputs of an instance, as far as they are there."""
        ...

    def facts(self, instance: str) -> Facts:
        """Raises NotFound."""
        ...

    def definition(self, digest: str) -> JsonObject:
        """The compiled document; raises Broken."""
        ...


class Claimed(Protocol):
    """Outbox rows under lock."""

    rows: Sequence[OutboxRow]

    def failed(self, id: str, error: str) -> None:
        """This row could not be published: keep it and count; the 5th time parks it."""
        ...

    def put_off(self, id: str) -> None:
        """Somebody is at work on what this row asks for: keep it, and look again later."""
        ...


class Outbox(Protocol):
    """Messages that a crash or an outage kept from being published."""

    def claim(self, limit: int = 500) -> AbstractContextManager[Claimed]:
        """Rows past `publish_after`, locked (SKIP LOCKED) until the block ends.

        A clean end deletes those that neither failed nor were put off; an error keeps them all as they were.
        """
        ...

    def park(self, message: Message, error: str) -> None:
        """Keep a message that cannot be processed, for people to look at; its body may be anything."""
        ...

    def put_off(self, message: Message, error: str) -> bool:
        """Keep a message of a newer version: it is sent again after one minute, then after 2, 4 and 8.

        The 5th time it is not kept: it has to be parked. Returns whether it comes again.
        """
        ...

    def size(self) -> tuple[int, int]:
        """Rows waiting, rows parked."""
        ...


class Recovery(Protocol):
    """What the scheduler asks of the instances DB. One scheduler leads; the others wait for its lease to run out."""

    def lead(self, holder: str, ttl: int) -> bool:
        """Take or renew the leader's lease for `ttl` milliseconds of database time."""
        ...

    def resign(self, holder: str) -> None: ...

    def look(self) -> Look:
        """In one round trip: it is asked several times a second, mostly for nothing."""
        ...

    def due(self, limit: int = 500) -> Sequence[DueScope]:
        """Scopes whose `next_due_at` has passed, oldest first."""
        ...

    def put_off(self, instance: str, path: str, by: int) -> None:
        """The scope's due timers count as due `by` milliseconds from now: they could not be taken."""
        ...

    def live(self, after: tuple[str, str] | None, limit: int = 500) -> Sequence[DueScope]:
        """Unsettled scopes in key order, for re-sending what is outstanding."""
        ...

    def received(self, older_than: int, limit: int = 100) -> Sequence[Delivery]:
        """Deliveries still `received` after this many milliseconds: their process died."""
        ...

    def mark(self, name: str, value: str) -> str | None:
        """Remember a value under a name and return the one before it."""
        ...

    def now(self) -> int:
        """Database time in milliseconds."""
        ...


class ApprovalStore(Protocol):
    """Approvals and the links to them. Decisions are written by `Locked.record` alone."""

    def get(self, id: str) -> Approval:
        """Raises NotFound."""
        ...

    def at(self, instance: str, path: str, attempt: int | None = None) -> Approval:
        """The approval of a task's attempt (the latest if None). Raises NotFound."""
        ...

    def list(
        self, *, state: str | None = "open", instance: str | None = None, before: str | None = None, limit: int = 50
    ) -> Sequence[Approval]: ...

    def add_token(self, approval: str, person: str, token_hash: str) -> None: ...

    def by_token(self, token_hash: str) -> tuple[Approval, str] | None:
        """The approval a link is for and the person it stands for."""
        ...


class InstanceReader(Protocol):
    """Reading for people: API, pages, CLI."""

    def get(self, id: str) -> Instance:
        """Raises NotFound."""
        ...

    def by_start_key(self, key: str) -> Instance | None: ...

    def list(
        self,
        *,
        workflow: str | None = None,
        state: str | None = None,
        parent: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> Sequence[Instance]:
        """Newest first; `before` is the id of the last one seen."""
        ...

    def scopes(
        self, id: str, *, limit: int | None = None, below: str = ROOT, after: str | None = None, live: bool = False
    ) -> Mapping[str, ScopeState]:
        """Path to state in the order of the paths' bytes, so that a scope stands before those within it.

        `below`: only the scopes that belong to the task, or are within the scope, at this path. `after`: only those
        behind this path. `live`: only those that have not settled. The first `limit` of an instance have `finally` with them.
        """
        ...

    def scopes_at(self, id: str, paths: Collection[str]) -> Mapping[str, ScopeState]:
        """Those of these scopes that are open."""
        ...

    def scope(self, id: str, path: str) -> ScopeState | None:
        """One scope, if it is open."""
        ...

    def history(self, id: str, *, after: int = 0, limit: int = 500, scope: str | None = None) -> Sequence[HistoryRow]:
        """The events behind a number, oldest first; of one scope if it is given."""
        ...

    def counts(self, most: int) -> Mapping[str, int]:
        """Instances by state, each counted up to `most`: however many there are, nobody counts them all."""
        ...

    def ended(self) -> Mapping[tuple[str, str], int]:
        """How many instances ever ended, by workflow and state, those that are gone among them. A moment behind."""
        ...

    def unfinished(self) -> Mapping[str, Mapping[str, int]]:
        """Instances that have not ended, by workflow and state."""
        ...


class DefinitionStore(Protocol):
    """The definitions DB. Rebuilt from git at any time."""

    def load(
        self,
        *,
        report: SyncReport,
        source: Source,
        versions: Sequence[Version],
        project: ProjectVersion,
        known: str | None = None,
    ) -> bool:
        """In one transaction: the versions become the active ones of their source, its other workflows go inactive, the
        project becomes the active one, and the sync is recorded. A version whose id is stored already is not written again.

        `known`: the id of the newest sync that had loaded or refused a commit ("" for none) when the caller asked for the
        head that it now settles. False, and nothing is done, if it is another by now: its head may be newer than this one.
        """
        ...

    def record_sync(self, report: SyncReport, *, known: str | None = None) -> bool:
        """A sync that changed nothing: refused, unchanged or failed. `known` as above."""
        ...

    def last_sync(self, source: str, *states: SyncState) -> SyncReport | None:
        """The newest of all, or of those in one of these states."""
        ...

    def source(self, name: str) -> Source | None:
        """As it was when a commit of it was last loaded."""
        ...

    def syncs(self, source: str | None = None, *, limit: int = 50) -> Sequence[SyncReport]: ...

    def active(self, workflow: str) -> Version:
        """Raises NotFound, with a suggestion."""
        ...

    def active_all(self) -> Sequence[Version]:
        """By workflow name."""
        ...

    def version(self, id: str) -> Version: ...

    def versions(self, workflow: str, *, limit: int = 50) -> Sequence[Version]: ...

    def listening(self, webhook: str) -> Sequence[Version]:
        """Active workflows with an `on.webhook` entry for this source."""
        ...

    def listeners(self, kind: ListenerKind, name: str | None = None) -> Sequence[Listener]:
        """Active workflows with an `on.KIND` entry, of this event type or after this workflow if `name` is given, by workflow."""
        ...

    def project(self) -> ProjectVersion | None:
        """The active project, None before the first sync."""
        ...

    def request_sync(self, source: str) -> None:
        """Remember that somebody wants this source looked at now (a push webhook, `headrace sync`); asking twice is asking once."""
        ...

    def take_sync_request(self, source: str) -> bool:
        """Whether somebody asked since the last call; the request is taken by this."""
        ...


class Publisher(Protocol):
    """The sending side of the queues."""

    def publish(self, messages: Sequence[Message]) -> None:
        """In one round trip, in order. Raises Unavailable: then any of them may or may not have arrived."""
        ...

    def generation(self) -> str:
        """A marker that stays the same as long as the broker keeps its memory."""
        ...


Standing = Literal["ours", "cancelled", "lost"]
"""Of a lease: we hold it; we hold it and are asked to stop; somebody else holds it, and what we do counts for nothing."""


class Leases(Protocol):
    """Hints about who is at work on what. The database decides. Whoever fetches a command from its queue takes its lease with it.

    To be asked to stop, one needs no message: publishing a CancelTask asks whoever holds the attempt's lease, or takes it
    within the hour.
    """

    def renew(self, keys: Sequence[str]) -> Sequence[Standing]:
        """Renew (and re-create) the leases."""
        ...

    def release(self, keys: Sequence[str]) -> None:
        """Let go of those that are ours."""
        ...

    def held(self, keys: Sequence[str]) -> Sequence[bool]:
        """Raises Unavailable when nothing can be said."""
        ...


class Signals(Protocol):
    """Hints to those who wait for an instance to end. May be lost: waiters look at the database too."""

    def changed(self, instances: Collection[str]) -> None: ...

    def wait(self, instance: str, timeout: float) -> bool:
        """Block up to `timeout` seconds for a hint about this instance; False if none came. Call again in a loop."""
        ...


class Clock(Protocol):
    """For SQLite and for loops; on PostgreSQL the database's clock is the only one that counts."""

    def now(self) -> int:
        """Milliseconds since the epoch."""
        ...


class Secrets(Protocol):
    """Values that are named in files and kept elsewhere."""

    def get(self, name: str) -> str:
        """Raises NotFound, saying where it was looked for."""
        ...
