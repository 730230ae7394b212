"""DBOS: workflows whose steps are kept in PostgreSQL.

Durability: every step's outcome is committed before the next one begins; a workflow goes on from there after a crash. It runs in
the process that starts it, so that there is no hop between processes. Settings: two processes of async workflows, as two replicas of
an application, each with half of the instances. Done: the handle's result.
"""

from __future__ import annotations

import asyncio
import os
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from dbos import DBOS, DBOSConfig

from benchmarks.peers.serving import serve


@DBOS.step()
async def noop() -> None:
    """Nothing."""


@DBOS.workflow()
async def in_sequence(length: int) -> None:
    """Steps one after the other."""
    for _ in range(length):
        await noop()


@DBOS.workflow()
async def side_by_side(width: int) -> None:
    """Steps at once, then one."""
    await asyncio.gather(*(noop() for _ in range(width)))
    await noop()


class Workflows:
    """Implements `Work`. The other replica gets half, where there is more than one instance."""

    def __init__(self, other: Connection) -> None:
        self._loop = launched("1")
        self._other = other

    def chain(self, instances: int, length: int) -> None:
        """See `Work`."""
        self._run("in_sequence", instances, length)

    def fan(self, instances: int, width: int) -> None:
        """See `Work`."""
        self._run("side_by_side", instances, width)

    def _run(self, name: str, instances: int, size: int) -> None:
        theirs = instances // 2
        if theirs:
            self._other.send((name, theirs, size))
        self._loop.run_until_complete(_all(name, instances - theirs, size))
        if theirs:
            self._other.recv()


def replica(orders: Connection) -> None:
    """The other process."""
    loop = launched("2")
    orders.send(None)
    while (order := orders.recv()) is not None:
        loop.run_until_complete(_all(*order))
        orders.send(None)
    DBOS.destroy()


def launched(executor: str) -> asyncio.AbstractEventLoop:
    """DBOS in this process, and the loop of its workflows."""
    config: DBOSConfig = {
        "name": "benchmark",
        "system_database_url": os.environ["DATABASE_URL"],
        "executor_id": executor,
        "application_version": "1",
        "log_level": "ERROR",
        "run_admin_server": False,
    }
    DBOS(config=config)
    DBOS.launch()
    return asyncio.new_event_loop()


async def _all(name: str, instances: int, size: int) -> None:
    workflow: Any = {"in_sequence": in_sequence, "side_by_side": side_by_side}[name]
    handles = [await DBOS.start_workflow_async(workflow, size) for _ in range(instances)]
    for handle in handles:
        await handle.get_result()


if __name__ == "__main__":
    here, there = get_context("spawn").Pipe()
    work = Workflows(here)
    other = get_context("spawn").Process(target=replica, args=(there,), daemon=True)
    other.start()
    here.recv()
    serve(work, "dbos")
    here.send(None)
    other.join(10)
    DBOS.destroy()
