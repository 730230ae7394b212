"""The outbox as the relay sees it: rows past their time, counted when they fail, parked the fifth time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
import uuid_utils

from engine.adapters.databases.database import Database
from engine.adapters.databases.documents import dump, load, storable_text
from engine.adapters.databases.tables import outbox
from engine.adapters.databases.timers import PUBLISH_AFTER
from engine.app.records import Message, OutboxRow
from engine.core.values import Json
from engine.errors import Invalid

TRIES = 5
"""Failed publishes, or readers that did not know it, after which a row is parked."""

LATER = 5_000
"""Milliseconds until a row that was put off is looked at again."""

NEWER = 60_000
"""Milliseconds until a message is sent again for the first time that its reader was too old for; twice as long each time."""


class ClaimedRows:
    """Implements `engine.app.ports.Claimed`: failures are kept here until the claim ends.

    A row whose body cannot even be read has failed before anybody sees it.
    """

    def __init__(self, rows: Sequence[OutboxRow], unreadable: Mapping[str, str], oldest: int = 0) -> None:
        self.rows = rows
        self.oldest = oldest
        """Milliseconds that the first of them is past its time."""
        self.ids = [*(row.id for row in rows), *unreadable]
        self._failures = dict(unreadable)
        self._later: list[str] = []

    def failed(self, id: str, error: str) -> None:
        """See the port."""
        self._failures[id] = error

    def put_off(self, id: str) -> None:
        """See the port."""
        self._later.append(id)

    def finish(self, database: Database, connection: sa.Connection) -> None:
        """Delete what was published, count what was not."""
        kept = {*self._failures, *self._later}
        done = [row.id for row in self.rows if row.id not in kept]
        if done:
            connection.execute(sa.delete(outbox).where(outbox.c.id.in_(done)))
        if self._later:
            later = sa.update(outbox).where(outbox.c.id.in_(self._later))
            connection.execute(later.values(publish_after=database.now() + LATER))
        for row, error in self._failures.items():
            connection.execute(_count_failure(database, row, error))


def claimable(database: Database, limit: int) -> sa.Select[Any]:
    """Rows past their time, oldest first. Never `id > last seen`: a transaction may commit ids behind it (RELIABILITY B2)."""
    body, now = sa.cast(outbox.c.body, sa.Text).label("body"), database.now().label("now")
    return (
        sa.select(outbox.c.id, outbox.c.queue, body, outbox.c.attempts, outbox.c.publish_after, now)
        .where(outbox.c.parked_at.is_(None), outbox.c.publish_after <= database.now())
        .order_by(outbox.c.publish_after)
        .limit(limit)
    )


def read_claim(connection: sa.Connection, statement: sa.Select[Any]) -> ClaimedRows:
    """The rows of `claimable`, each body read by itself: one that was made by hand must not hold up the others."""
    rows: list[OutboxRow] = []
    unreadable: dict[str, str] = {}
    oldest = 0
    for row in connection.execute(statement):
        oldest = max(oldest, row.now - max(row.publish_after, 0))  # by hand it may be any number
        try:
            rows.append(OutboxRow(id=row.id, queue=row.queue, body=load(row.body), attempts=row.attempts))
        except ValueError as error:
            unreadable[row.id] = f"its body cannot be read: {error}"
    return ClaimedRows(rows, unreadable, oldest)


def park(database: Database, message: Message, error: str) -> None:
    """See `engine.app.ports.Outbox.park`."""
    _keep(database, message, error, publish_after=database.now(), parked_at=database.now())


def put_off(database: Database, message: Message, error: str) -> bool:
    """See `engine.app.ports.Outbox.put_off`."""
    attempts = message.attempts + 1
    if attempts >= TRIES:
        return False
    later = database.now() + NEWER * 2**message.attempts
    _keep(database, message, error, publish_after=later, attempts=attempts)
    return True


def size(database: Database) -> tuple[int, int]:
    """See `engine.app.ports.Outbox.size`."""
    parked = sa.func.count(outbox.c.parked_at)
    with database.reading() as connection:
        total, kept = connection.execute(sa.select(sa.func.count(), parked).select_from(outbox)).one()
    return total - kept, kept


def _keep(database: Database, message: Message, error: str, **columns: Any) -> None:
    with database.writing() as connection:
        connection.execute(
            sa.insert(outbox).values(
                id=message.id or str(uuid_utils.uuid7()),
                queue=storable_text(message.queue),
                body=_any_body(message.body),
                error=storable_text(error),
                **columns,
            )
        )


def _count_failure(database: Database, id: str, error: str) -> sa.Update:
    return (
        sa.update(outbox)
        .where(outbox.c.id == id)
        .values(
            attempts=outbox.c.attempts + 1,
            error=storable_text(error),
            publish_after=database.now() + PUBLISH_AFTER,
            parked_at=sa.case((outbox.c.attempts + 1 >= TRIES, database.now())),
        )
    )


def _any_body(body: Json) -> Json:
    try:
        dump(body)
    except Invalid:
        return {"unstorable": storable_text(repr(body))}
    return body
