"""Claiming outbox rows on PostgreSQL: locked rows that others skip."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from engine.adapters.databases.outbox import ClaimedRows, claimable, park, put_off, read_claim, size
from engine.adapters.databases.postgres.database import PostgresDatabase
from engine.adapters.databases.postgres.reach import Reach
from engine.app.records import Message


class PostgresOutbox:
    """Implements `engine.app.ports.Outbox`. The locks end with their process, so nothing has to run out first."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._reach = Reach()

    @contextmanager
    def claim(self, limit: int = 500) -> Iterator[ClaimedRows]:
        """See the port."""
        with self._database.writing() as connection:
            at = time.monotonic()
            within = self._reach.within(self._database, at)
            found = claimable(self._database, limit).where(within).with_for_update(skip_locked=True)
            claimed = read_claim(connection, found)
            self._reach.looked(at, claimed.oldest)
            yield claimed
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
