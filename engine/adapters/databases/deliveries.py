"""The webhook flight recorder: every verified call, stored once, by itself or with what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Protocol

import sqlalchemy as sa

from engine.adapters.databases.database import Database
from engine.adapters.databases.forgetting import some
from engine.adapters.databases.paging import newest_first
from engine.adapters.databases.tables import deliveries, delivery_keys
from engine.app.delivery_ports import received
from engine.app.records import Delivery, DeliveryResult, NewDelivery, Verdict
from engine.core.values import Json
from engine.errors import NotFound

HOUR = 3_600_000
COLUMNS = [deliveries.c[field.name] for field in fields(Delivery)]


class Recorder(Protocol):
    """What differs between databases."""

    def store(self, calls: Sequence[NewDelivery]) -> tuple[int, Mapping[str, str]]:
        """In one transaction, each with all its keys or not at all; no two have a key in common.

        Returns the time and, for those of which another delivery holds a key, that delivery's id.
        """
        ...


class Deliveries:
    """Implements `engine.app.delivery_ports.DeliveryStore`."""

    def __init__(self, database: Database, recorder: Recorder) -> None:
        self._database = database
        self._recorder = recorder

    def receive(self, calls: Sequence[NewDelivery]) -> Sequence[Delivery | str]:
        """See the port. One transaction, and one more only if a call that was repeated is itself a repetition."""
        answers: dict[str, Delivery | str] = {}
        left = list(calls)
        while left:
            apart, holders = _apart(left)
            now, repeated = self._recorder.store(apart)
            for call in apart:
                answers[call.id] = repeated.get(call.id) or received(call, now)
            # Where that one turned out to be a repetition, its keys are not its own: look again.
            answers |= {name: first for name, first in holders.items() if first not in repeated}
            left = [call for call in left if call.id not in answers]
        return [answers[call.id] for call in calls]

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


def forget_deliveries(database: Database, connection: sa.Connection, *, before: int, limit: int) -> int:
    """Deliveries as old that something was made of, and keys that count no more; returns how many deliveries went."""
    old = sa.select(deliveries.c.id).where(deliveries.c.received_at < before, deliveries.c.state != "received")
    ids = connection.execute(old.order_by(deliveries.c.received_at).limit(limit)).scalars().all()
    connection.execute(sa.delete(deliveries).where(deliveries.c.id.in_(ids)))
    connection.execute(some(delivery_keys, delivery_keys.c.expires_at <= database.now(), limit))
    return len(ids)


def verdicts_of(result: DeliveryResult | Delivery) -> Json:
    """As they are stored."""
    return [{"workflow": one.workflow, "instance": one.instance, "reason": one.reason} for one in result.verdicts]


def to_delivery(row: Any) -> Delivery:
    """From a row of COLUMNS."""
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    values["verdicts"] = tuple(Verdict(**verdict) for verdict in values["verdicts"])
    return Delivery(**values)


def _apart(calls: Sequence[NewDelivery]) -> tuple[list[NewDelivery], dict[str, str]]:
    """Those with no key of one before them, and for each of the others the one whose key it has."""
    apart: list[NewDelivery] = []
    holders: dict[str, str] = {}
    taken: dict[tuple[str, str], str] = {}
    for call in calls:
        keys = [(call.source, key) for key, _ in call.keys]
        holder = next((taken[key] for key in keys if key in taken), None)
        if holder is None:
            apart.append(call)
            taken.update(dict.fromkeys(keys, call.id))
        else:
            holders[call.id] = holder
    return apart, holders
