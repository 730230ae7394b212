"""Several statements in one round trip, straight on libpq.

SQLAlchemy has no pipelines, and a cursor of psycopg for each statement costs the client ten times what this does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import psycopg
import sqlalchemy as sa
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from engine.adapters.databases.postgres.connection import PromptConnection
from engine.adapters.databases.postgres.prepared import prepared

Statement: TypeAlias = tuple[str, Mapping[str, object]]
"""SQL and its parameters."""

Rows: TypeAlias = list[tuple[Any, ...]]

Answer = TypeVar("Answer")

BEGIN: Statement = ("BEGIN", {})
COMMIT: Statement = ("COMMIT", {})


def driver(connection: sa.Connection) -> PromptConnection:
    """The driver's connection below one of SQLAlchemy."""
    found = connection.connection.driver_connection
    if not isinstance(found, PromptConnection):
        raise TypeError("not a connection of ours")
    return found


def run(connection: sa.Connection, statements: Sequence[Statement]) -> list[Rows]:
    """Send all of them, then wait for their rows. The first that fails stops the rest, a COMMIT among them.

    Raises psycopg.Error, and UnicodeEncodeError for a text with a lone surrogate (nothing was sent then).
    """
    raw = driver(connection)
    wanted = [(prepared(sql), values) for sql, values in statements]
    return _rows(raw, raw.answers([(statement, statement.values(values)) for statement, values in wanted]))


def first(pool: sa.Engine, get: Callable[[sa.Connection], Answer]) -> tuple[sa.Connection, Answer]:
    """A connection, and what its first round trip got of it.

    One that died in the pool is noticed here, where starting over loses nothing; so nobody needs a ping.
    """
    try:
        return _first(pool, get)
    except _Died:
        pool.dispose()  # the others in the pool are as old
        return _first(pool, get)


def _first(pool: sa.Engine, get: Callable[[sa.Connection], Answer]) -> tuple[sa.Connection, Answer]:
    connection = pool.connect()
    try:
        return connection, get(connection)
    except BaseException as error:
        dead = _dead(connection)
        give_back(connection)
        if dead and isinstance(error, psycopg.OperationalError):
            raise _Died(str(error)) from error
        raise


class _Died(psycopg.OperationalError):
    """The connection is gone, and with it all it was doing."""


def living(pool: sa.Engine) -> sa.Connection:
    """A connection whose server has not hung up: for what is sent together with its COMMIT, and cannot start over."""
    while True:
        connection = pool.connect()
        if not driver(connection).ended:
            return connection
        connection.invalidate()
        connection.close()


def give_back(connection: sa.Connection) -> None:
    """Return a connection to its pool; what it had not committed is rolled back, and a dead one is not kept."""
    if _dead(connection):
        connection.invalidate()
    connection.close()


def _dead(connection: sa.Connection) -> bool:
    """SQLAlchemy, where a statement goes through it, notices by itself: it has no driver's connection below it then."""
    return connection.invalidated or driver(connection).closed


def _rows(raw: PromptConnection, results: Sequence[PGresult]) -> list[Rows]:
    reader = Transformer(raw)
    found: list[Rows] = []
    for result in results:
        if result.status == ExecStatus.TUPLES_OK:
            reader.set_pgresult(result)
            found.append(reader.load_rows(0, result.ntuples, tuple))
        else:
            found.append([])
    return found
