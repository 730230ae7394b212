"""Rows that the store tests write, with only what matters to the test spelled out."""

from __future__ import annotations

from typing import Any

from engine.adapters.databases.connect import InstancesDatabase
from engine.app.records import (
    ApprovalEffect,
    Facts,
    HistoryRow,
    InstanceChange,
    Message,
    NewDelivery,
    NewInstance,
    Record,
    ScopeWrite,
)
from engine.core.commands import OpenApproval
from engine.core.state import ScopeState

DOCUMENT = {"name": "release", "tasks": [{"id": "build", "line": 3}]}


def facts(**changes: Any) -> Facts:
    values = {
        "workflow": "release",
        "digest": "d1",
        "commit": "c" * 40,
        "inputs": {"service": "billing"},
        "trigger": {"body": {"ref": "refs/heads/main"}},
        "started_by": "ada",
        "started_at": 1_700_000_000_000,
    }
    return Facts(**values | changes)


def state(status: Any = "running", **changes: Any) -> ScopeState:
    values = {"status": status, "at": 5, "started_at": 5, "tasks": {"build": {"state": "queued", "attempt": 1}}}
    return values | changes  # type: ignore[return-value]


def scope(instance: str, version: int, *, path: str = "", due: int | None = None, **changes: Any) -> ScopeWrite:
    return ScopeWrite(instance=instance, path=path, state=state(**changes), version=version, next_due_at=due)


def event(instance: str, seq: int, **changes: Any) -> HistoryRow:
    values = {"scope": "", "event": {"type": "ScopeStarted"}, "accepted": True, "at": 5}
    return HistoryRow(instance=instance, seq=seq, **values | changes)


def message(id: str, **changes: Any) -> Message:
    return Message(**{"queue": "tasks", "body": {"type": "RunTask", "path": "build"}, "id": id} | changes)


def started(id: str, *, start_key: str | None = None, due: int | None = None, **changes: Any) -> Record:
    """All that the start of one instance writes."""
    return Record(
        definitions={"d1": DOCUMENT},
        new_instances=[NewInstance(id=id, facts=facts(**changes), version="v1", start_key=start_key)],
        instances=[InstanceChange(id=id, seq=1, state="running")],
        scopes=[scope(id, 1, due=due)],
        history=[event(id, 1)],
    )


def record(stores: InstancesDatabase, *records: Record) -> None:
    """Each in a transaction of its own, locking nothing."""
    for one in records:
        with stores.store.lock([]) as locked:
            locked.record(one)


def advance(stores: InstancesDatabase, *ids: str) -> None:
    """What a batch does: read under lock, count up, write."""
    with stores.store.lock([(name, "") for name in ids]) as locked:
        change = Record()
        for name in ids:
            seq, version = locked.instances[name].seq + 1, locked.scopes[name, ""].version + 1
            change.instances.append(InstanceChange(id=name, seq=seq))
            change.scopes.append(scope(name, version))
            change.history.append(event(name, seq))
            change.outbox.append(message(f"{name}-{seq}"))
        locked.record(change)


def finish(stores: InstancesDatabase, id: str, *, at: int) -> None:
    with stores.store.lock([(id, "")]) as locked:
        seq, version = locked.instances[id].seq + 1, locked.scopes[id, ""].version + 1
        change = InstanceChange(id=id, seq=seq, state="succeeded", outputs={"ok": True}, finished_at=at)
        written = scope(id, version, status="settled")
        locked.record(Record(instances=[change], scopes=[written], history=[event(id, seq)]))


def prune(stores: InstancesDatabase, *, before: int) -> int:
    """All that is older, and all that belongs to it; returns how many instances went."""
    gone = stores.retention.let_go(ended_before=before, limit=1_000).gone
    while stores.retention.sweep(1_000):
        pass
    while stores.retention.forget(before=before, limit=1_000):
        pass
    return gone


def delivery(id: str, *keys: str, **changes: Any) -> NewDelivery:
    values = {
        "source": "github",
        "provider": "github",
        "event": "push",
        "headers": {"x-github-event": "push"},
        "body": b'{"ref": "\xff"}',
        "keys": tuple((key, 24) for key in keys),
    }
    return NewDelivery(id=id, **values | changes)


def receive(stores: InstancesDatabase, *calls: NewDelivery) -> list[str | None]:
    """For each of them the id of the delivery that it repeats, None for a new one."""
    return [one if isinstance(one, str) else None for one in stores.deliveries.receive(calls)]


def opened(instance: str, *, path: str = "approve", attempt: int = 1, at: int = 10, **changes: Any) -> ApprovalEffect:
    values = {"message": "Release?", "approvers": ["group:managers"], "require": 2, "exclude": ["starter"]}
    return ApprovalEffect(
        instance=instance, command=OpenApproval(path=path, attempt=attempt, **values | changes), at=at
    )
