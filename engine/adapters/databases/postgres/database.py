"""PostgreSQL through two pools: one for everybody, one for batches with its planner held to index scans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from engine.adapters.databases.documents import dump, load
from engine.adapters.databases.postgres.batch import driver, first, give_back, run
from engine.adapters.databases.postgres.connection import PromptConnection
from engine.adapters.databases.translation import translated

CONNECT_SECONDS = 5
POOL_SECONDS = 10
SESSION = {
    "application_name": "headrace",
    "jit": "off",
    "lock_timeout": "10s",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "30s",
}
"""Nothing blocks for ever, and a stuck process never holds rows (or vacuum) for long."""

BATCHES = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "plan_cache_mode": "force_generic_plan",
}
"""A plan prepared while tables are empty, or statistics of a fresh table, must not lead to reading whole tables."""

MIGRATION_LOCK = 0x6865_6164_7261_6365
"""The advisory lock that only one migrating process holds: `headrace` in ASCII."""


class PostgresDatabase:
    """Implements `Database`. `batches` hands out connections in driver autocommit, for stores that say BEGIN and COMMIT."""

    def __init__(self, url: sa.URL) -> None:
        # Never prepared, so that every plan fits the tables as they are; pinged, so that a restart costs nobody an error.
        self._engine = _engine(url, SESSION, prepare_threshold=None, pool_pre_ping=True)
        self._autocommit = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        # No ping: it would cost every batch a round trip. The store starts over when its first statement finds a dead one.
        self.batches = _engine(url, SESSION | BATCHES, prepare_threshold=1, isolation_level="AUTOCOMMIT")
        self._compiled: dict[sa.Select[Any], sa.Compiled] = {}

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """See `Database.reading`."""
        with translated(), self._autocommit.connect() as connection:
            yield connection

    def rows(self, statement: sa.Select[Any], **parameters: str | int) -> Sequence[Sequence[Any]]:
        """See `Database.rows`. Prepared, and straight on the driver: a third of the work, and one round trip without a ping."""
        compiled = self._compiled.get(statement)
        if compiled is None:
            compiled = self._compiled[statement] = statement.compile(dialect=self.batches.dialect)
        asked = str(compiled), compiled.construct_params(parameters) or {}
        with translated():
            connection, (found,) = first(self.batches, lambda connection: run(connection, [asked]))
            give_back(connection)
        return found

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """See `Database.writing`."""
        with translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def exclusive(self) -> Iterator[sa.Connection]:
        """See `Database.exclusive`."""
        with self.writing() as connection:
            raw = driver(connection)
            raw.patience, before = None, raw.patience
            try:
                connection.execute(sa.text("SET LOCAL lock_timeout = 0"))
                connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
                yield connection
            finally:
                raw.patience = before

    def alone(self, connection: sa.Connection, table: sa.Table) -> None:
        """See `Database.alone`. Everybody else queues behind whoever waits for such a lock: half a second at most."""
        connection.execute(sa.text("SET LOCAL lock_timeout = '500ms'"))
        connection.execute(sa.text(f"LOCK TABLE {table.name} IN ACCESS EXCLUSIVE MODE"))

    def insert(self, table: sa.Table) -> Any:
        """See `Database.insert`."""
        return postgresql.insert(table)

    def now(self) -> sa.ColumnElement[int]:
        """See `Database.now`: stable within the statement, so that an index can be searched for it."""
        return sa.literal_column("(extract(epoch FROM statement_timestamp()) * 1000)::bigint", sa.BigInteger)

    def close(self) -> None:
        self._engine.dispose()
        self.batches.dispose()


def _engine(url: sa.URL, session: dict[str, str], *, prepare_threshold: int | None, **options: Any) -> sa.Engine:
    engine = sa.create_engine(
        url,
        pool_size=2,
        max_overflow=8,
        pool_timeout=POOL_SECONDS,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "prepare_threshold": prepare_threshold,
            "options": " ".join(f"-c {name}={value}" for name, value in session.items()),
            "keepalives_idle": 15,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 15_000,
        },
        json_serializer=dump,
        json_deserializer=load,
        **options,
    )
    sa.event.listen(engine, "do_connect", _connect)
    return engine


def _connect(
    _dialect: object, _record: object, arguments: Sequence[str], options: Mapping[str, Any]
) -> PromptConnection:
    return PromptConnection.connect(*arguments, **options)
