"""Throwing away what is old: a few rows in each transaction, found by index, never waiting for a lock that live work holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from engine.adapters.databases.artifacts import forget_artifacts
from engine.adapters.databases.database import Database
from engine.adapters.databases.deliveries import forget_deliveries
from engine.adapters.databases.events import forget_events
from engine.adapters.databases.forgetting import some
from engine.adapters.databases.gates import forget_gates
from engine.adapters.databases.tables import (
    approvals,
    definitions,
    ends,
    event_receipts,
    event_waits,
    history,
    instances,
    large_values,
    outbox,
    remains,
    scopes,
    slots,
    task_logs,
)
from engine.app.retention_ports import LetGo, Place

OWNED = (scopes, slots, event_waits, event_receipts, ends, approvals, history, task_logs, large_values)
"""What belongs to one instance, beside its files. Decisions and links go with their approvals."""

SWEPT = 500
"""Instances whose rows are swept up in one transaction."""


class RetentionStore:
    """Implements `engine.app.retention_ports.Retention`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def let_go(self, *, ended_before: int, after: Place | None = None, limit: int) -> LetGo:
        """See the port."""
        ended = instances.c.finished_at
        return self._let_go(ended, [ended < ended_before], after, limit)

    def let_go_beyond(
        self, workflow: str, newest: int, *, ended_before: int, after: Place | None = None, limit: int
    ) -> LetGo:
        """See the port."""
        started, own = instances.c.started_at, instances.c.workflow == workflow
        nth = sa.select(started, instances.c.id).where(own).order_by(started.desc(), instances.c.id.desc())
        with self._database.reading() as connection:
            last = connection.execute(nth.offset(newest - 1).limit(1)).one_or_none()
        if last is None:
            return LetGo(gone=0, seen=0, last=None)
        older = _beyond(instances.c.id, started, Place(at=last.started_at, id=last.id), newer=False)
        return self._let_go(started, [own, older, instances.c.finished_at < ended_before], after, limit)

    def sweep(self, limit: int) -> int:
        """See the port."""
        left = sa.select(remains.c.instance_id).order_by(remains.c.instance_id).limit(SWEPT)
        with self._database.writing() as connection:
            ids = connection.execute(left.with_for_update(skip_locked=True)).scalars().all()
            if not ids:
                return 0
            swept = forget_artifacts(connection, self._database, ids, limit)
            for table in OWNED:
                if swept < limit:
                    swept += _delete_some(connection, table, ids, limit - swept)
            if swept < limit:
                connection.execute(sa.delete(remains).where(remains.c.instance_id.in_(ids)))
        return swept or 1

    def next_workflow(self, after: str) -> str | None:
        """See the port."""
        first = sa.select(sa.func.min(instances.c.workflow)).where(instances.c.workflow > after)
        with self._database.reading() as connection:
            name: str | None = connection.execute(first).scalar_one()
        return name

    def forget(self, *, before: int, limit: int) -> int:
        """See the port."""
        with self._database.writing() as connection:
            return max(
                forget_deliveries(self._database, connection, before=before, limit=limit),
                forget_events(connection, before=before, limit=limit),
                forget_gates(self._database, connection, before=before, limit=limit),
                connection.execute(some(outbox, outbox.c.parked_at < before, limit)).rowcount,
            )

    def forget_definitions(self) -> int:
        """See the port. Looked for without a lock first: there is seldom one."""
        used = sa.exists().where(instances.c.digest == definitions.c.digest)
        unused = sa.select(definitions.c.digest).where(~used)
        with self._database.reading() as connection:
            digests = connection.execute(unused).scalars().all()
        if not digests:
            return 0
        with self._database.writing() as connection:
            self._database.alone(connection, definitions)  # a start may rely on one that it has seen there
            gone = connection.execute(sa.delete(definitions).where(definitions.c.digest.in_(digests), ~used))
        return gone.rowcount

    def count(self, *, ended_before: int) -> int:
        """See the port."""
        old = sa.select(sa.func.count()).where(instances.c.finished_at < ended_before)
        with self._database.reading() as connection:
            return connection.execute(old).scalar_one()

    def _let_go(
        self, order: sa.Column[int], which: Sequence[sa.ColumnElement[bool]], after: Place | None, limit: int
    ) -> LetGo:
        look = sa.select(instances.c.id, order.label("at"), instances.c.parent).where(*which)
        if after is not None:
            look = look.where(_beyond(instances.c.id, order, after, newer=True))
        look = look.order_by(order, instances.c.id).limit(limit).with_for_update(skip_locked=True)
        with self._database.writing() as connection:
            rows = connection.execute(look).all()
            busy = _live(connection, {row.parent for row in rows if row.parent is not None})
            ids = [row.id for row in rows if row.parent not in busy]
            if ids:
                connection.execute(sa.delete(instances).where(instances.c.id.in_(ids)))
                connection.execute(sa.insert(remains), [{"instance_id": name} for name in ids])
        last = Place(at=rows[-1].at, id=rows[-1].id) if len(rows) == limit else None
        return LetGo(gone=len(ids), seen=len(rows), last=last)


def _beyond(id: sa.Column[str], at: sa.Column[int], place: Place, *, newer: bool) -> sa.ColumnElement[bool]:
    """On this side of a place in the order of (at, id). The first condition is what an index on the time needs."""
    if newer:
        return sa.and_(at >= place.at, sa.or_(at > place.at, id > place.id))
    return sa.and_(at <= place.at, sa.or_(at < place.at, id < place.id))


def _live(connection: sa.Connection, ids: set[str]) -> set[str]:
    if not ids:
        return set()
    live = sa.select(instances.c.id).where(instances.c.id.in_(sorted(ids)), instances.c.finished_at.is_(None))
    return set(connection.execute(live).scalars())


def _delete_some(connection: sa.Connection, table: sa.Table, ids: Sequence[str], limit: int) -> int:
    key: Any = sa.tuple_(*table.primary_key)
    some = sa.select(*table.primary_key).where(table.c.instance_id.in_(ids)).limit(limit)
    return connection.execute(sa.delete(table).where(key.in_(some))).rowcount
