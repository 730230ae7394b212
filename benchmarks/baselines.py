"""What says how good a figure is on this machine, measured in the same rounds: the code without batching, and bare commits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from benchmarks.engines import Engine
from benchmarks.stack import SEPARATE, Servers, on_servers

COMMITS = 500
THROUGHPUT = ("chain", "fanout")
UNBATCHED = "one transaction per event"


@contextmanager
def unbatched(servers: Servers) -> Iterator[Engine]:
    """The same code with batching off: one transaction per event, one message at a time."""
    slow = {"notification-worker": ("-m", "benchmarks.unbatched")}
    with on_servers(UNBATCHED, servers, [slow.get(name, (name,)) for name in SEPARATE], fewer=5) as stack:
        yield Engine(stack, THROUGHPUT)


class Commits:
    """Durable commits of one small row on one connection."""

    name = "commits"

    def __init__(self, servers: Servers) -> None:
        self._url = servers.database.url(servers.database.create_database()).replace("+psycopg", "")

    def run(self, workload: str) -> dict[str, float]:
        """See `Subject`."""
        if workload not in THROUGHPUT:
            return {}
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS benchmark_commits (n int)")
            began = time.perf_counter()
            for number in range(COMMITS):
                connection.execute("INSERT INTO benchmark_commits VALUES (%s)", (number,))
            return {"commits_per_s": COMMITS / (time.perf_counter() - began)}
