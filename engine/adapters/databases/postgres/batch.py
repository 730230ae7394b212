"""Several statements in one round trip, straight on the driver: SQLAlchemy has no pipelines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import sqlalchemy as sa

from engine.adapters.databases.postgres.connection import PromptConnection

Statement: TypeAlias = tuple[str, Mapping[str, object]]
"""SQL and its parameters."""

Rows: TypeAlias = list[tuple[Any, ...]]

BEGIN: Statement = ("BEGIN", {})
COMMIT: Statement = ("COMMIT", {})


def driver(connection: sa.Connection) -> PromptConnection:
    """The driver's connection below one of SQLAlchemy."""
    found = connection.connection.driver_connection
    if not isinstance(found, PromptConnection):
        raise TypeError("not a connection of ours")
    return found


def run(connection: sa.Connection, statements: Sequence[Statement]) -> list[Rows]:
    """Send all of them, then wait for their rows. The first that fails stops the rest, a COMMIT among them."""
    raw = driver(connection)
    with raw.pipeline():
        cursors = [raw.cursor(binary=True).execute(sql, values, prepare=True) for sql, values in statements]
    return [cursor.fetchall() if cursor.description else [] for cursor in cursors]


def give_back(connection: sa.Connection) -> None:
    """Return a connection to its pool; what it had not committed is rolled back, and a dead one is not kept."""
    if driver(connection).closed:
        connection.invalidate()
    connection.close()
