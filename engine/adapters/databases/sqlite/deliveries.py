"""Webhook calls on SQLite that are stored before they are looked at: a group waits for the disk once."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from engine.adapters.databases.deliveries import HOUR
from engine.adapters.databases.documents import dump
from engine.adapters.databases.sqlite import statements
from engine.adapters.databases.sqlite.database import SqliteDatabase, driver_of
from engine.app.ports import Clock
from engine.app.records import NewDelivery


class SqliteRecorder:
    """Implements `engine.adapters.databases.deliveries.Recorder`."""

    def __init__(self, database: SqliteDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def store(self, calls: Sequence[NewDelivery]) -> tuple[int, Mapping[str, str]]:
        """See the port."""
        repeated: dict[str, str] = {}
        with self._database.writing() as connection:
            writer, now = driver_of(connection), self._clock.now()
            for call in calls:
                if holder := _holder(writer, call, now):
                    repeated[call.id] = holder
                else:
                    _insert(writer, call, now)
        return now, repeated


def _holder(writer: sqlite3.Connection, call: NewDelivery, now: int) -> str | None:
    for key, _ in call.keys:
        if found := writer.execute(statements.READ_KEY, (call.source, key, now)).fetchone():
            return str(found[0])
    return None


def _insert(writer: sqlite3.Connection, call: NewDelivery, now: int) -> None:
    rows = [(call.source, key, call.id, now + hours * HOUR) for key, hours in call.keys]
    writer.executemany(statements.PUT_KEY, rows)
    values = (call.id, call.source, call.provider, call.event, dump(call.headers), call.body, now)
    writer.execute(statements.INSERT_DELIVERY, values)
