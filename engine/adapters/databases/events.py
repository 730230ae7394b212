"""Events from outside, the tasks that wait for them, and which instance has used up which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from typing import Any

import sqlalchemy as sa
import uuid_utils

from engine.adapters.databases.database import Database
from engine.adapters.databases.paging import newest_first
from engine.adapters.databases.tables import event_receipts, event_waits, events, outbox
from engine.adapters.databases.timers import PUBLISH_AFTER
from engine.adapters.databases.translation import translated
from engine.app.event_ports import Event, NewEvent, Wait
from engine.app.records import Message, Verdict, WaitEffect
from engine.core.commands import AwaitEvent
from engine.errors import NotFound

COLUMNS = [events.c[field.name].label(field.name) for field in fields(Event)]
_WAIT = [event_waits.c.instance_id.label("instance"), *(event_waits.c[field.name] for field in fields(Wait)[1:])]
_KEY = sa.tuple_(event_waits.c.instance_id, event_waits.c.path, event_waits.c.attempt)


class Events:
    """Implements `engine.app.event_ports.EventStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def publish(self, event: NewEvent, message: Message) -> bool:
        """See the port."""
        now = self._database.now()
        values = {field.name: getattr(event, field.name) for field in fields(NewEvent)}
        # In a list, as SQLite would take the text of a bare number for a number.
        values |= {"body": [event.body], "received_at": now, "routed": False, "verdicts": []}
        insert = self._database.insert(events).values(values)
        row = {"id": message.id or str(uuid_utils.uuid7()), "queue": message.queue, "body": message.body}
        with self._database.writing() as connection:
            if connection.execute(insert.on_conflict_do_nothing().returning(events.c.id)).one_or_none() is None:
                return False
            connection.execute(sa.insert(outbox).values(**row, publish_after=now + PUBLISH_AFTER))
        return True

    def get(self, id: str) -> Event:
        """See the port."""
        found = self._events(sa.select(*COLUMNS).where(events.c.id == id))
        if not found:
            raise NotFound("event", id)
        return found[0]

    def list(self, *, type: str | None = None, before: str | None = None, limit: int = 50) -> Sequence[Event]:
        """See the port."""
        statement = sa.select(*COLUMNS)
        if type is not None:
            statement = statement.where(events.c.type == type)
        return self._events(newest_first(statement, events.c.received_at, events.c.id, before=before, limit=limit))

    def waits(self, event: Event, *, after: tuple[str, str, int] | None = None, limit: int = 500) -> Sequence[Wait]:
        """See the port."""
        statement = sa.select(*_WAIT).where(event_waits.c.type == event.type, event_waits.c.since <= event.received_at)
        if after is not None:
            statement = statement.where(sa.tuple_(*(sa.literal(part) for part in after)) < _KEY)
        return self._waits(
            statement.order_by(event_waits.c.instance_id, event_waits.c.path, event_waits.c.attempt).limit(limit)
        )

    def wait(self, instance: str, path: str, attempt: int) -> Wait | None:
        """See the port."""
        found = self._waits(sa.select(*_WAIT).where(*_of_attempt(instance, path, attempt)))
        return found[0] if found else None

    def unused(self, wait: Wait, *, after: Event | None = None, limit: int = 100) -> Sequence[Event]:
        """See the port."""
        used = sa.exists().where(
            event_receipts.c.instance_id == wait.instance, event_receipts.c.event_id == events.c.id
        )
        statement = sa.select(*COLUMNS).where(
            events.c.type == wait.type, events.c.received_at >= wait.since, sa.not_(used)
        )
        if after is not None:
            last = sa.tuple_(sa.literal(after.received_at), sa.literal(after.id))
            statement = statement.where(sa.tuple_(events.c.received_at, events.c.id) > last)
        return self._events(statement.order_by(events.c.received_at, events.c.id).limit(limit))

    def unrouted(self, older_than: int, limit: int = 50) -> Sequence[Event]:
        """See the port."""
        left = sa.select(*COLUMNS).where(
            sa.text("NOT routed"), events.c.received_at <= self._database.now() - older_than
        )
        return self._events(left.order_by(events.c.received_at).limit(limit))

    def routed(self, id: str, verdicts: Sequence[Verdict]) -> None:
        """See the port."""
        row = sa.update(events).where(events.c.id == id)
        with self._database.writing() as connection:
            connection.execute(row.values(routed=True, verdicts=[asdict(verdict) for verdict in verdicts]))

    def _events(self, statement: sa.Select[Any]) -> Sequence[Event]:
        with self._database.reading() as connection:
            return [_event(row) for row in connection.execute(statement).mappings()]

    def _waits(self, statement: sa.Select[Any]) -> Sequence[Wait]:
        with self._database.reading() as connection:
            return [Wait(**row) for row in connection.execute(statement).mappings()]


def _event(row: sa.RowMapping) -> Event:
    verdicts = tuple(Verdict(**verdict) for verdict in row["verdicts"])
    return Event(**{**row, "body": row["body"][0], "verdicts": verdicts})


def used_up(connection: sa.Connection, instance: str, event: str) -> bool:
    """Whether an instance, which the caller has locked, has taken this event before."""
    taken = sa.select(event_receipts.c.event_id).where(
        event_receipts.c.instance_id == instance, event_receipts.c.event_id == event
    )
    with translated():
        return connection.execute(taken).one_or_none() is not None


def wait_statements(database: Database, effects: Iterable[WaitEffect]) -> Iterator[Any]:
    """Waits that begin, and waits that are over, in the order in which they were asked for."""
    for effect in effects:
        command = effect.command
        if isinstance(command, AwaitEvent):
            row = database.insert(event_waits).values(
                instance_id=effect.instance,
                path=command.path,
                attempt=command.attempt,
                type=command.event,
                since=command.since,
                match=command.match,
                names=command.names,
            )
            yield row.on_conflict_do_nothing()
        else:
            yield sa.delete(event_waits).where(*_of_attempt(effect.instance, command.path, command.attempt))


def forget_events(connection: sa.Connection, *, before: int, limit: int) -> int:
    """Events as old that were routed; returns how many went."""
    old = sa.select(events.c.id).where(events.c.received_at < before, events.c.routed)
    ids = connection.execute(old.order_by(events.c.received_at).limit(limit)).scalars().all()
    connection.execute(sa.delete(events).where(events.c.id.in_(ids)))
    return len(ids)


def _of_attempt(instance: str, path: str, attempt: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (event_waits.c.instance_id == instance, event_waits.c.path == path, event_waits.c.attempt == attempt)
