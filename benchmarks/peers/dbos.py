"""DBOS: workflows whose steps are kept in PostgreSQL.

Durability: every step's outcome is committed before the next one begins; a workflow goes on from there after a crash. It runs in
the process that starts it, so that there is no hop between processes. Settings: one process, async workflows, its default pools.
Done: the handle's result.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
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
    """Implements `Work`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def chain(self, instances: int, length: int) -> None:
        """See `Work`."""
        self._run(_all(in_sequence, instances, length))

    def fan(self, instances: int, width: int) -> None:
        """See `Work`."""
        self._run(_all(side_by_side, instances, width))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self._loop.run_until_complete(work)


async def _all(workflow: Any, instances: int, size: int) -> None:
    handles = [await DBOS.start_workflow_async(workflow, size) for _ in range(instances)]
    for handle in handles:
        await handle.get_result()


if __name__ == "__main__":
    config: DBOSConfig = {
        "name": "benchmark",
        "system_database_url": os.environ["DATABASE_URL"],
        "log_level": "ERROR",
        "run_admin_server": False,
    }
    DBOS(config=config)
    DBOS.launch()
    serve(Workflows(asyncio.new_event_loop()), "dbos")
