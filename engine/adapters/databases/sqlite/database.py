"""SQLite as a database of several processes: WAL, one writer connection behind a lock, readers beside it."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from engine.adapters.databases.documents import dump, load
from engine.adapters.databases.translation import translated
from engine.app.ports import Clock
from engine.errors import Misconfigured, Unavailable

BUSY_SECONDS = 10
"""How long a writer waits for the writers before it, in this process and in others."""

ROUND_MS = 50
"""How long a writer leaves it to SQLite to look again whether another process has done. SQLite's pauses grow from 1 to 100 ms:
who has waited for long hardly ever comes in time, and those who have just written write again. Each round begins anew."""

_writers: WeakValueDictionary[Path, threading.Lock] = WeakValueDictionary()
_writers_guard = threading.Lock()


class SqliteDatabase:
    """Implements `Database`. Threads of a process queue at a lock per file; processes at SQLite's own."""

    def __init__(self, url: sa.URL, clock: Clock) -> None:
        if not url.database or url.database == ":memory:":
            raise Misconfigured("sqlite:// URL", "needs a file: an in-memory database would not outlive its connection")
        path = Path(url.database).resolve()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Misconfigured(
                "HEADRACE_STATE_DIR or the sqlite:// URL", f"no folder can be made there: {error}"
            ) from None
        self._clock = clock
        self._lock = _writer_lock(path)
        self._readers = _engine(url, pool_size=4, max_overflow=36)
        self._writer = _engine(url, pool_size=1, max_overflow=0)
        sa.event.listen(self._writer, "connect", _wait_in_rounds)
        sa.event.listen(self._writer, "begin", _begin_immediate)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """See `Database.reading`."""
        with translated(), self._readers.connect() as connection:
            yield connection

    def rows(self, statement: sa.Select[Any], **parameters: str | int) -> Sequence[Sequence[Any]]:
        """See `Database.rows`."""
        with self.reading() as connection:
            return connection.execute(statement, parameters).all()

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """The writer inside BEGIN IMMEDIATE; the caller commits, leaving without a commit rolls back.

        Not BEGIN: a transaction that reads first and writes later is refused at once when another wrote in between.
        """
        if not self._lock.acquire(timeout=BUSY_SECONDS):
            raise Unavailable("the database", f"another thread has been writing for {BUSY_SECONDS} s")
        try:
            with translated(), self._writer.connect() as connection:
                connection.begin()
                yield connection
        finally:
            self._lock.release()

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """See `Database.writing`."""
        with self.transaction() as connection:
            yield connection
            connection.commit()

    exclusive = writing

    def alone(self, connection: sa.Connection, table: sa.Table) -> None:
        """See `Database.alone`: whoever writes is alone, and who reads sees what was there before."""

    def insert(self, table: sa.Table) -> Any:
        """See `Database.insert`."""
        return sqlite.insert(table)

    def now(self) -> sa.ColumnElement[int]:
        """See `Database.now`: the clock's time when the statement is executed."""
        return sa.bindparam(None, callable_=self._clock.now, type_=sa.BigInteger)

    def close(self) -> None:
        self._readers.dispose()
        self._writer.dispose()


def driver_of(connection: sa.Connection) -> sqlite3.Connection:
    """The driver's connection below one of SQLAlchemy."""
    found = connection.connection.driver_connection
    if not isinstance(found, sqlite3.Connection):
        raise TypeError("not a sqlite3 connection")
    return found


def _writer_lock(path: Path) -> threading.Lock:
    with _writers_guard:
        return _writers.setdefault(path, threading.Lock())


def _engine(url: sa.URL, *, pool_size: int, max_overflow: int) -> sa.Engine:
    engine = sa.create_engine(
        url,
        poolclass=sa.QueuePool,
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_timeout=BUSY_SECONDS,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False, "isolation_level": None},
        json_serializer=dump,
        json_deserializer=load,
    )
    sa.event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # what was acknowledged survives a loss of power
    connection.execute("PRAGMA foreign_keys = ON")


def _wait_in_rounds(connection: Any, _record: object) -> None:
    connection.execute(f"PRAGMA busy_timeout = {ROUND_MS}")


def _begin_immediate(connection: sa.Connection) -> None:
    driver, deadline = driver_of(connection), time.monotonic() + BUSY_SECONDS
    while True:
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        else:
            return
