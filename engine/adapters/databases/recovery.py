"""What the scheduler asks of the instances DB: who leads, what is due, what was left behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from engine.adapters.databases.database import Database
from engine.adapters.databases.deliveries import COLUMNS as DELIVERY_COLUMNS
from engine.adapters.databases.deliveries import to_delivery
from engine.adapters.databases.tables import deliveries, ends, events, leadership, marks, schedules, scopes
from engine.app.records import Delivery, DueScope
from engine.app.trigger_ports import Look

ROLE = "scheduler"
_LOOK = [field.name for field in fields(Look)]


class RecoveryStore:
    """Implements `engine.app.ports.Recovery`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._look = _look(database.now())  # built once, as it is asked again and again

    def lead(self, holder: str, ttl: int) -> bool:
        """See the port."""
        now = self._database.now()
        insert = self._database.insert(leadership).values(role=ROLE, holder=holder, until=now + ttl)
        take = insert.on_conflict_do_update(
            index_elements=["role"],
            set_={"holder": insert.excluded.holder, "until": insert.excluded.until},
            where=sa.or_(
                leadership.c.holder == holder,
                leadership.c.until <= now,
                leadership.c.until > now + 2 * ttl,  # written before the clock was set back
            ),
        ).returning(leadership.c.holder)
        with self._database.writing() as connection:
            return connection.execute(take).one_or_none() is not None

    def resign(self, holder: str) -> None:
        """See the port."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(leadership).where(leadership.c.holder == holder))

    def look(self) -> Look:
        """See the port."""
        (found,) = self._database.rows(self._look)
        return Look(**dict(zip(_LOOK, found, strict=True)))

    def due(self, limit: int = 500) -> Sequence[DueScope]:
        """See the port."""
        return self._scopes(
            sa.select(scopes.c.instance_id, scopes.c.path, scopes.c.state)
            .where(scopes.c.next_due_at <= self._database.now())
            .order_by(scopes.c.next_due_at)
            .limit(limit)
        )

    def put_off(self, instance: str, path: str, by: int) -> None:
        """See the port."""
        now = self._database.now()
        statement = sa.update(scopes).where(
            scopes.c.instance_id == instance, scopes.c.path == path, scopes.c.next_due_at <= now
        )
        with self._database.writing() as connection:
            connection.execute(statement.values(next_due_at=now + by))

    def live(self, after: tuple[str, str] | None, limit: int = 500) -> Sequence[DueScope]:
        """See the port."""
        key = sa.tuple_(scopes.c.instance_id, scopes.c.path)
        statement = sa.select(scopes.c.instance_id, scopes.c.path, scopes.c.state).where(sa.text("NOT settled"))
        if after is not None:
            statement = statement.where(key > sa.tuple_(sa.literal(after[0]), sa.literal(after[1])))
        return self._scopes(statement.order_by(scopes.c.instance_id, scopes.c.path).limit(limit))

    def received(self, older_than: int, limit: int = 100) -> Sequence[Delivery]:
        """See the port."""
        statement = (
            sa.select(*DELIVERY_COLUMNS)
            .where(sa.text("state = 'received'"), deliveries.c.received_at <= self._database.now() - older_than)
            .order_by(deliveries.c.received_at)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [to_delivery(row) for row in connection.execute(statement)]

    def mark(self, name: str, value: str) -> str | None:
        """See the port."""
        row = self._database.insert(marks).values(name=name, value=value)
        update = sa.update(marks).where(marks.c.name == name).values(value=value)
        with self._database.writing() as connection:
            if connection.execute(row.on_conflict_do_nothing().returning(marks.c.name)).one_or_none():
                return None
            before = connection.execute(sa.select(marks.c.value).where(marks.c.name == name).with_for_update())
            connection.execute(update)
            return str(before.scalar_one())

    def now(self) -> int:
        """See the port."""
        with self._database.reading() as connection:
            return connection.execute(sa.select(self._database.now())).scalar_one()

    def _scopes(self, statement: sa.Select[Any]) -> Sequence[DueScope]:
        with self._database.reading() as connection:
            return [
                DueScope(instance=row.instance_id, path=row.path, state=row.state)
                for row in connection.execute(statement)
            ]


def _look(now: sa.ColumnElement[int]) -> sa.Select[Any]:
    due = sa.or_(schedules.c.next_at <= now, schedules.c.pending_at.is_not(None))
    found: list[sa.ColumnElement[Any]] = [
        now.label("now"),
        sa.exists().where(scopes.c.next_due_at <= now).label("timers"),
        sa.select(events.c.id).where(sa.text("NOT routed")).exists().label("events"),
        sa.exists().select_from(ends).label("workflows"),
        sa.exists().where(due).label("schedules"),
    ]
    return sa.select(*found)
