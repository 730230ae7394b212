"""How long transactions of a database wait for each other, seen from beside, and by the server's own log."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread

import psycopg

from tests.servers import PostgresServer

SESSIONS = """
    SELECT pid, wait_event_type = 'Lock', extract(epoch FROM clock_timestamp() - query_start) * 1000,
           wait_event || ': ' || left(query, 60)
    FROM pg_stat_activity WHERE datname = current_database()"""
COUNTS = "SELECT deadlocks, xact_commit, xact_rollback FROM pg_stat_database WHERE datname = current_database()"


@dataclass
class LockWatch:
    """What was seen. `longest` in milliseconds, from the start of the statement that waited."""

    samples: int = 0
    waits: int = 0
    longest: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)
    """What was waited for, and the statement that did, by how often it was seen."""
    logged: list[str] = field(default_factory=list)
    """Lines of the server's log about waits of more than a second, its `deadlock_timeout`, and about deadlocks."""
    pids: set[int] = field(default_factory=set)
    """Of the database's sessions: the log is that of all databases."""
    deadlocks: int = 0
    commits: int = 0

    @property
    def share(self) -> float:
        """Sessions that waited for a lock in a sample, on average."""
        return self.waits / max(1, self.samples)


@contextmanager
def watching_locks(server: PostgresServer, url: str) -> Iterator[LockWatch]:
    """Sample the sessions of a database while the block lasts. Begin before the fleet: settings hold for new sessions."""
    watch, ended = LockWatch(), Event()
    log = server.folder / "log"
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET log_lock_waits = on".encode())
        before = connection.execute(COUNTS).fetchone()
        start = log.stat().st_size
        thread = Thread(target=_sample, args=(connection, watch, ended), daemon=True)
        thread.start()
        try:
            yield watch
        finally:
            ended.set()
            thread.join()
        connection.execute("SELECT pg_stat_force_next_flush()")
        after = connection.execute(COUNTS).fetchone()
    assert before
    assert after
    watch.deadlocks, watch.commits = after[0] - before[0], after[1] - before[1]
    lines = log.read_bytes()[start:].decode(errors="replace").splitlines()
    watch.logged += [line for line in lines if _about(line) in watch.pids]


def _about(line: str) -> int | None:
    """The session that a line says waits, or was in a deadlock."""
    found = re.search(r"\[(\d+)\] .*(still waiting for|deadlock detected)", line)
    return int(found[1]) if found else None


def _sample(connection: psycopg.Connection, watch: LockWatch, ended: Event) -> None:
    while not ended.wait(0.005):
        sessions = connection.execute(SESSIONS).fetchall()
        waiting = [(float(waited), kind) for _, waits, waited, kind in sessions if waits]
        watch.samples += 1
        watch.pids.update(pid for pid, *_ in sessions)
        watch.waits += len(waiting)
        watch.longest = max(watch.longest, *(waited for waited, _ in waiting), 0.0)
        watch.kinds.update(kind for _, kind in waiting)
