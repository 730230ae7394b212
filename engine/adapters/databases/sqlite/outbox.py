"""Claiming outbox rows on SQLite, which has no row locks: a claimed row is put off for as long as its claim counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from engine.adapters.databases.outbox import ClaimedRows, claimable, park, put_off, read_claim, size
from engine.adapters.databases.sqlite.database import SqliteDatabase
from engine.adapters.databases.tables import outbox
from engine.app.records import Message

CLAIM = 10_000
"""Milliseconds after which the claim of a process that died is void."""


class SqliteOutbox:
    """Implements `engine.app.ports.Outbox`. No transaction is open while the rows are being published."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    @contextmanager
    def claim(self, limit: int = 500) -> Iterator[ClaimedRows]:
        """See the port."""
        claimed = self._claim(limit)
        if not claimed.ids:
            yield claimed
            return
        try:
            yield claimed
        except BaseException:
            with self._database.writing() as connection:
                self._put_off(connection, claimed, 0)
            raise
        with self._database.writing() as connection:
            claimed.finish(self._database, connection)

    def park(self, message: Message, error: str) -> None:
        """See the port."""
        park(self._database, message, error)

    def put_off(self, message: Message, error: str) -> bool:
        """See the port."""
        return put_off(self._database, message, error)

    def size(self) -> tuple[int, int]:
        """See the port."""
        return size(self._database)

    def _claim(self, limit: int) -> ClaimedRows:
        with self._database.reading() as connection:
            waiting = read_claim(connection, claimable(self._database, 1))
        if not waiting.ids:
            return waiting  # a sweep that finds nothing must not queue with the writers
        with self._database.writing() as connection:
            claimed = read_claim(connection, claimable(self._database, limit))
            self._put_off(connection, claimed, CLAIM)
        return claimed

    def _put_off(self, connection: sa.Connection, claimed: ClaimedRows, by: int) -> None:
        if claimed.ids:
            put_off = (
                sa.update(outbox).where(outbox.c.id.in_(claimed.ids)).values(publish_after=self._database.now() + by)
            )
            connection.execute(put_off)
