"""The webhook flight recorder: every verified call, stored once before anything is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from engine.adapters.databases.database import Database
from engine.adapters.databases.paging import newest_first
from engine.adapters.databases.tables import deliveries, delivery_keys
from engine.app.records import Delivery, NewDelivery, Verdict
from engine.errors import NotFound, Unavailable

HOUR = 3_600_000
COLUMNS = [deliveries.c[field.name] for field in fields(Delivery)]


class Deliveries:
    """Implements `engine.app.delivery_ports.DeliveryStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def receive(self, delivery: NewDelivery) -> str | None:
        """See the port. Of deliveries that arrive together, the one that takes all its keys first is the new one."""
        for _ in range(3):
            taken = self._store(delivery)
            if taken is None:
                return None
            first = self._holder(delivery.source, taken)
            if first is not None:
                return first
            # The one that held the key was undone or expired in between: try again.
        raise Unavailable("the database", f"delivery {delivery.id} could not be told from its repetitions")

    def get(self, id: str) -> Delivery:
        """See the port."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(*COLUMNS).where(deliveries.c.id == id)).one_or_none()
        if row is None:
            raise NotFound("delivery", id)
        return to_delivery(row)

    def list(
        self, *, source: str | None = None, state: str | None = None, before: str | None = None, limit: int = 50
    ) -> Sequence[Delivery]:
        """See the port."""
        statement = sa.select(*COLUMNS)
        if source is not None:
            statement = statement.where(deliveries.c.source == source)
        if state is not None:
            statement = statement.where(deliveries.c.state == state)
        page = newest_first(statement, deliveries.c.received_at, deliveries.c.id, before=before, limit=limit)
        with self._database.reading() as connection:
            return [to_delivery(row) for row in connection.execute(page)]

    def _store(self, delivery: NewDelivery) -> str | None:
        """Store it with all its keys, or nothing; returns a key that another one holds."""
        with self._database.writing() as connection:
            # In order, so that two deliveries which share two keys wait for each other in one direction only.
            for key, hours in sorted(delivery.keys):
                if not connection.execute(self._take_key(delivery, key, hours)).one_or_none():
                    connection.rollback()
                    return key
            connection.execute(self._insert(delivery))
        return None

    def _take_key(self, delivery: NewDelivery, key: str, hours: int) -> Any:
        now = self._database.now()
        row = {"source": delivery.source, "key": key, "delivery_id": delivery.id, "expires_at": now + hours * HOUR}
        insert = self._database.insert(delivery_keys).values(**row)
        return insert.on_conflict_do_update(
            index_elements=["source", "key"],
            set_={"delivery_id": insert.excluded.delivery_id, "expires_at": insert.excluded.expires_at},
            where=delivery_keys.c.expires_at <= now,
        ).returning(delivery_keys.c.delivery_id)

    def _insert(self, delivery: NewDelivery) -> sa.Insert:
        return sa.insert(deliveries).values(
            id=delivery.id,
            source=delivery.source,
            provider=delivery.provider,
            event=delivery.event,
            headers=delivery.headers,
            body=delivery.body,
            state="received",
            reason="",
            verdicts=[],
            received_at=self._database.now(),
        )

    def _holder(self, source: str, key: str) -> str | None:
        statement = sa.select(delivery_keys.c.delivery_id).where(
            delivery_keys.c.source == source,
            delivery_keys.c.key == key,
            delivery_keys.c.expires_at > self._database.now(),
        )
        with self._database.reading() as connection:
            return connection.execute(statement).scalar_one_or_none()


def forget_deliveries(database: Database, connection: sa.Connection, *, before: int, limit: int) -> int:
    """Deliveries as old that something was made of, and keys that count no more; returns how many deliveries went."""
    old = sa.select(deliveries.c.id).where(deliveries.c.received_at < before, deliveries.c.state != "received")
    ids = connection.execute(old.order_by(deliveries.c.received_at).limit(limit)).scalars().all()
    connection.execute(sa.delete(deliveries).where(deliveries.c.id.in_(ids)))
    expired = sa.select(delivery_keys.c.source, delivery_keys.c.key).where(delivery_keys.c.expires_at <= database.now())
    key = sa.tuple_(delivery_keys.c.source, delivery_keys.c.key)
    connection.execute(sa.delete(delivery_keys).where(key.in_(expired.limit(limit))))
    return len(ids)


def to_delivery(row: Any) -> Delivery:
    """From a row of COLUMNS."""
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    values["verdicts"] = tuple(Verdict(**verdict) for verdict in values["verdicts"])
    return Delivery(**values)
