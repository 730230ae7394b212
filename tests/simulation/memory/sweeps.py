"""What relay and scheduler read and write in memory: the outbox, due timers, what was left behind."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from engine.adapters.databases.documents import dump, load
from engine.adapters.databases.outbox import LATER, NEWER, TRIES
from engine.adapters.databases.timers import PUBLISH_AFTER
from engine.app.records import Delivery, DueScope, Message, OutboxRow
from engine.app.trigger_ports import End, Look, ScheduleRow
from tests.simulation.memory.tables import OutRow, Tables


class MemoryClaimed:
    """Implements `engine.app.ports.Claimed`."""

    def __init__(self, rows: Sequence[OutboxRow]) -> None:
        self.rows = rows
        self.failures: dict[str, str] = {}
        self.later: list[str] = []

    def failed(self, id: str, error: str) -> None:
        self.failures[id] = error

    def put_off(self, id: str) -> None:
        self.later.append(id)


class MemoryOutbox:
    """Implements `engine.app.ports.Outbox`: claimed rows are locked, others skip them."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @contextmanager
    def claim(self, limit: int = 500) -> Iterator[MemoryClaimed]:
        owner, now = object(), self._tables.now()
        free = [
            (row.after, name)
            for name, row in self._tables.outbox.items()
            if not row.parked and row.after <= now and ("outbox", name) not in self._tables.locks
        ]
        rows = [self._claimed(owner, name) for _, name in sorted(free)[:limit]]
        claimed = MemoryClaimed(rows)
        try:
            yield claimed
            self._finish(claimed)
        finally:
            self._tables.release(owner)

    def park(self, message: Message, error: str) -> None:
        body = dump(message.body)
        self._tables.outbox[message.id or self._tables.draw()] = OutRow(
            message.queue, body, self._tables.now(), error=error, parked=True
        )

    def put_off(self, message: Message, error: str) -> bool:
        attempts = message.attempts + 1
        if attempts >= TRIES:
            return False
        after = self._tables.now() + NEWER * 2**message.attempts
        self._tables.outbox[self._tables.draw()] = OutRow(message.queue, dump(message.body), after, attempts, error)
        return True

    def size(self) -> tuple[int, int]:
        parked = sum(row.parked for row in self._tables.outbox.values())
        return len(self._tables.outbox) - parked, parked

    def _claimed(self, owner: object, id: str) -> OutboxRow:
        self._tables.lock(owner, "outbox", id)
        row = self._tables.outbox[id]
        return OutboxRow(id=id, queue=row.queue, body=load(row.body), attempts=row.attempts)

    def _finish(self, claimed: MemoryClaimed) -> None:
        now = self._tables.now()
        for row in claimed.rows:
            stored = self._tables.outbox[row.id]
            if row.id in claimed.failures:
                stored.attempts += 1
                stored.error, stored.after = claimed.failures[row.id], now + PUBLISH_AFTER
                stored.parked = stored.attempts >= TRIES
            elif row.id in claimed.later:
                stored.after = now + LATER
            else:
                del self._tables.outbox[row.id]


class MemoryRecovery:
    """Implements `engine.app.ports.Recovery`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def now(self) -> int:
        return self._tables.now()

    def lead(self, holder: str, ttl: int) -> bool:
        now, leader = self._tables.now(), self._tables.leader
        if leader is not None and leader[0] != holder and now < leader[1] <= now + 2 * ttl:
            return False
        self._tables.leader = holder, now + ttl
        return True

    def resign(self, holder: str) -> None:
        if self._tables.leader is not None and self._tables.leader[0] == holder:
            self._tables.leader = None

    def look(self) -> Look:
        tables, now = self._tables, self._tables.now()
        dues = (row.due for scopes in tables.scopes.values() for row in scopes.values())
        rows = tables.schedules.values()
        return Look(
            now=now,
            timers=any(due is not None and due <= now for due in dues),
            events=any(not event.routed for event in tables.events.values()),
            workflows=bool(tables.ends),
            schedules=any(
                row.pending_at is not None or (row.next_at is not None and row.next_at <= now) for row in rows
            ),
        )

    def due(self, limit: int = 500) -> Sequence[DueScope]:
        now = self._tables.now()
        found = [
            (row.due, instance, path)
            for instance, scopes in self._tables.scopes.items()
            for path, row in scopes.items()
            if row.due is not None and row.due <= now
        ]
        return [self._scope(instance, path) for _, instance, path in sorted(found)[:limit]]

    def put_off(self, instance: str, path: str, by: int) -> None:
        row, now = self._tables.scopes.get(instance, {}).get(path), self._tables.now()
        if row is not None and row.due is not None and row.due <= now:
            row.due = now + by

    def live(self, after: tuple[str, str] | None, limit: int = 500) -> Sequence[DueScope]:
        found = [
            (instance, path)
            for instance, scopes in self._tables.scopes.items()
            for path, row in scopes.items()
            if not row.settled and (after is None or (instance, path) > after)
        ]
        return [self._scope(instance, path) for instance, path in sorted(found)[:limit]]

    def received(self, older_than: int, limit: int = 100) -> Sequence[Delivery]:
        before = self._tables.now() - older_than
        found = [
            one for one in self._tables.deliveries.values() if one.state == "received" and one.received_at <= before
        ]
        return sorted(found, key=lambda one: one.received_at)[:limit]

    def mark(self, name: str, value: str) -> str | None:
        before = self._tables.marks.get(name)
        self._tables.marks[name] = value
        return before

    def _scope(self, instance: str, path: str) -> DueScope:
        return DueScope(instance=instance, path=path, state=load(self._tables.scopes[instance][path].state))


class MemoryEnds:
    """Implements `engine.app.trigger_ports.Ends`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def read(self, limit: int = 500) -> Sequence[End]:
        rows = self._tables.instances
        found = sorted(self._tables.ends.items())[:limit]
        return [
            End(
                instance=name,
                seq=seq,
                workflow=rows[name].facts.workflow,
                state=state,
                last=not any(other == name and later > seq for other, later in self._tables.ends),
                finished_at=rows[name].finished_at,
            )
            for (name, seq), state in found
        ]

    def forget(self, ends: Collection[End]) -> None:
        for end in ends:
            if self._tables.ends.pop((end.instance, end.seq), None) is not None:
                self._tables.ended[end.state] += 1


class MemorySchedules:
    """Implements `engine.app.trigger_ports.Schedules`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def all(self) -> Sequence[ScheduleRow]:
        return [row for _, row in sorted(self._tables.schedules.items())]

    def put(self, row: ScheduleRow) -> None:
        self._tables.schedules[row.workflow, row.entry] = row

    def forget(self, row: ScheduleRow) -> None:
        self._tables.schedules.pop((row.workflow, row.entry), None)
