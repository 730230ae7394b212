"""The rows of both databases, and who has locked which of them. Documents are kept as text, so that nobody shares a value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.adapters.databases.timers import round_up
from engine.app.event_ports import Event, Wait
from engine.app.kept_outputs import KeptOutputs
from engine.app.records import ApprovalDecision, Delivery, Facts, HistoryRow
from engine.app.recover import STALE_DELIVERY
from engine.app.route import LEFT_BEHIND
from engine.app.trigger_ports import ScheduleRow
from engine.app.versions import ProjectVersion, Version
from engine.core.values import JsonObject

LOCK_TIMEOUT = 8_000
"""Milliseconds for which a transaction waits for a row."""


class Waiting(Protocol):
    """How a transaction waits for a row that another one has."""

    def __call__(self, free: Callable[[], bool], timeout: int) -> bool:
        """Until `free`, for at most `timeout` milliseconds; whether it is."""
        ...


def nobody_waits(free: Callable[[], bool], timeout: int) -> bool:
    """Where one thread does everything, nothing that is locked becomes free."""
    return free()


@dataclass(slots=True)
class InstanceRow:
    id: str
    facts: Facts
    version: str
    digest: str
    commit: str
    start_key: str | None
    delivery: str | None
    state: str = "running"
    seq: int = 0
    outputs: str | None = None
    error: str | None = None
    finished_at: int | None = None


@dataclass(slots=True)
class ScopeRow:
    state: str
    version: int
    due: int | None
    settled: bool


@dataclass(slots=True)
class OutRow:
    queue: str
    body: str
    after: int
    attempts: int = 0
    error: str | None = None
    parked: bool = False


@dataclass(slots=True)
class ApprovalRow:
    values: dict[str, Any]
    decisions: dict[str, ApprovalDecision] = field(default_factory=dict)


@dataclass(slots=True)
class Slot:
    instance: str
    path: str
    attempt: int
    number: int
    at: int
    held: bool = False
    leaving: bool = False


@dataclass(slots=True)
class Group:
    limit: int
    number: int = 0
    slots: list[Slot] = field(default_factory=list)

    def copy(self) -> Group:
        """To be changed by one transaction."""
        return Group(self.limit, self.number, [copy(slot) for slot in self.slots])


@dataclass(slots=True)
class Turns:
    number: int = 0
    last: int = 0
    due: dict[int, int] = field(default_factory=dict)

    def copy(self) -> Turns:
        """To be changed by one transaction."""
        return Turns(self.number, self.last, dict(self.due))


class Tables:
    """One database. `now` is its clock in milliseconds; `draw` gives the ids that it draws."""

    def __init__(self, now: Callable[[], int], draw: Callable[[], str], wait: Waiting = nobody_waits) -> None:
        self.now = now
        self.draw = draw
        self.wait = wait
        self.locks: dict[tuple[str, str], object] = {}
        self.waits_for: dict[object, tuple[str, str]] = {}
        self.definitions: dict[str, str] = {}
        self.parsed: dict[str, JsonObject] = {}
        self.instances: dict[str, InstanceRow] = {}
        self.start_keys: dict[str, str] = {}
        self.scopes: dict[str, dict[str, ScopeRow]] = {}
        self.history: dict[str, list[tuple[HistoryRow, str]]] = {}
        """Each with its event as text: nobody reads the one in the row."""
        self.outbox: dict[str, OutRow] = {}
        self.approvals: dict[str, ApprovalRow] = {}
        self.approval_of: dict[tuple[str, str, int], str] = {}
        self.tokens: dict[str, tuple[str, str]] = {}
        self.events: dict[str, Event] = {}
        self.event_waits: dict[tuple[str, str, int], Wait] = {}
        self.receipts: set[tuple[str, str]] = set()
        self.deliveries: dict[str, Delivery] = {}
        self.delivery_keys: dict[tuple[str, str], tuple[str, int]] = {}
        self.groups: dict[str, Group] = {}
        self.turns: dict[str, Turns] = {}
        self.kept: dict[tuple[str, str, str], KeptOutputs] = {}
        self.ends: dict[tuple[str, int], str] = {}
        self.last_end: dict[str, int] = {}
        self.ended: Counter[str] = Counter()
        """How often an instance ended, by its state, as it was counted."""
        self.schedules: dict[tuple[str, str], ScheduleRow] = {}
        self.marks: dict[str, str] = {}
        self.leader: tuple[str, int] | None = None
        self.values: dict[tuple[str, str], str] = {}
        self.versions: dict[str, Version] = {}
        self.active: dict[str, str] = {}
        self.project: ProjectVersion | None = None

    def lock(self, owner: object, table: str, key: str) -> bool:
        """Take a row for a transaction, or wait for it. False after too long, and where two would wait for each other."""
        row = (table, key)
        if self.locks.get(row) is owner:
            return True
        if row in self.locks:
            if self._would_deadlock(owner, row):
                return False
            self.waits_for[owner] = row
            try:
                if not self.wait(lambda: row not in self.locks, LOCK_TIMEOUT):
                    return False
            finally:
                self.waits_for.pop(owner, None)
        self.locks[row] = owner
        return True

    def is_held(self, owner: object, table: str, key: str) -> bool:
        """Whether another transaction has this row."""
        return self.locks.get((table, key), owner) is not owner

    def release(self, owner: object) -> None:
        """A transaction has ended."""
        for row in [row for row, holder in self.locks.items() if holder is owner]:
            del self.locks[row]

    def unpublished(self) -> int | None:
        """When the first row of the outbox is the relay's."""
        return min((row.after for row in self.outbox.values() if not row.parked), default=None)

    def due(self) -> int | None:
        """When there is next something to do for the scheduler: the earliest of all that has a time."""
        found = [row.due for scopes in self.scopes.values() for row in scopes.values() if row.due is not None]
        found += [event.received_at + LEFT_BEHIND for event in self.events.values() if not event.routed]
        found += [one.received_at + STALE_DELIVERY for one in self.deliveries.values() if one.state == "received"]
        found += [row.next_at for row in self.schedules.values() if row.next_at is not None]
        if self.ends or self._unscheduled() or any(row.pending_at is not None for row in self.schedules.values()):
            found.append(0)
        return min(found, default=None)

    def _unscheduled(self) -> bool:
        """Whether nobody has put down yet when a workflow is next due by the clock."""
        known = {workflow for workflow, _ in self.schedules}
        return any("schedules" in self.versions[it].document for name, it in self.active.items() if name not in known)

    def _would_deadlock(self, owner: object, row: tuple[str, str]) -> bool:
        holder = self.locks.get(row)
        while holder is not None and holder is not owner:
            wanted = self.waits_for.get(holder)
            holder = None if wanted is None else self.locks.get(wanted)
        return holder is owner


def coarse(due: int | None) -> int | None:
    """A scope's timer as the databases keep it."""
    return round_up(due)
