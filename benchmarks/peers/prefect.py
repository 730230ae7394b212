"""Prefect: flows whose runs are recorded by its server in PostgreSQL.

Durability: of records; a flow that is killed is not gone on with, it is run again. Flows are called in this process, which is the fastest
way: a deployment starts a process for each run. Settings: one server process with its defaults, PostgreSQL; async flows, all at once.
Done: the call's return.
"""

from __future__ import annotations

import asyncio
import os
import urllib.request

from benchmarks.peers.serving import program, running, serve, until


class Flows:
    """Implements `Work`. Prefect reads its settings when it is imported, so that is done here."""

    def __init__(self) -> None:
        from prefect import flow, task

        @task
        async def noop() -> None:
            pass

        @flow
        async def in_sequence(length: int) -> None:
            for _ in range(length):
                await noop()

        @flow
        async def side_by_side(width: int) -> None:
            await asyncio.gather(*(noop() for _ in range(width)))
            await noop()

        self._in_sequence = in_sequence
        self._side_by_side = side_by_side
        self._loop = asyncio.new_event_loop()

    def chain(self, instances: int, length: int) -> None:
        """See `Work`."""
        self._loop.run_until_complete(_all(self._in_sequence, instances, length))

    def fan(self, instances: int, width: int) -> None:
        """See `Work`."""
        self._loop.run_until_complete(_all(self._side_by_side, instances, width))


async def _all(flow: object, instances: int, size: int) -> None:
    await asyncio.gather(*(flow(size) for _ in range(instances)))  # type: ignore[operator]


if __name__ == "__main__":
    port = os.environ["PORTS"].split()[0]
    api = f"http://127.0.0.1:{port}/api"
    os.environ |= {
        "PREFECT_HOME": os.environ["FOLDER"],
        "PREFECT_API_URL": api,
        "PREFECT_API_DATABASE_CONNECTION_URL": os.environ["DATABASE_URL"].replace(
            "postgresql://", "postgresql+asyncpg://"
        ),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    }
    with running(program("prefect"), "server", "start", "--host", "127.0.0.1", "--port", port, "--no-ui"):
        until(lambda: urllib.request.urlopen(f"{api}/health", timeout=5).status == 200, "Prefect's server")
        serve(Flows(), "prefect")
