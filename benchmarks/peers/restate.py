"""Restate: handlers whose steps are kept in its server's log; with the argument `calls`, a task is a call to another handler.

A step runs within its handler. A call goes through the server to whichever process serves the handler called, as our tasks do.

Durability: every step's outcome is in the log, on disk, before the next one begins. It brings its own store, so PostgreSQL and Redis
do not take part. Settings: one server with its defaults; the handlers served by hypercorn, as its documentation has it.
Done: the answer of the call that invokes the handler; each of 64 threads keeps its connection.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import restate

from benchmarks.peers.serving import program, running, serve, until

SENDERS = 64
service = restate.Service("benchmark")


async def noop() -> None:
    """Nothing."""


@service.handler()
async def task(_context: restate.Context) -> None:
    """Nothing."""


@service.handler()
async def in_sequence(context: restate.Context, length: int) -> None:
    """Steps one after the other."""
    for _ in range(length):
        await context.run_typed("noop", noop)


@service.handler()
async def side_by_side(context: restate.Context, width: int) -> None:
    """Steps at once, then one."""
    await restate.gather(*(context.run_typed("noop", noop) for _ in range(width)))
    await context.run_typed("noop", noop)


@service.handler()
async def calls_in_sequence(context: restate.Context, length: int) -> None:
    """Calls one after the other."""
    for _ in range(length):
        await context.service_call(task, arg=None)


@service.handler()
async def calls_side_by_side(context: restate.Context, width: int) -> None:
    """Calls at once, then one."""
    await restate.gather(*(context.service_call(task, arg=None) for _ in range(width)))
    await context.service_call(task, arg=None)


app = restate.app([service])


class Handlers:
    """Implements `Work`."""

    def __init__(self, ingress: int, prefix: str) -> None:
        self._ingress = ingress
        self._prefix = prefix
        self._pool = ThreadPoolExecutor(SENDERS)
        self._kept = threading.local()

    def chain(self, instances: int, length: int) -> None:
        """See `Work`."""
        list(self._pool.map(self._call, ["in_sequence"] * instances, [length] * instances))

    def fan(self, instances: int, width: int) -> None:
        """See `Work`."""
        list(self._pool.map(self._call, ["side_by_side"] * instances, [width] * instances))

    def _call(self, handler: str, size: int) -> None:
        if not hasattr(self._kept, "connection"):
            self._kept.connection = HTTPConnection("127.0.0.1", self._ingress)
        self._kept.connection.request(
            "POST", f"/benchmark/{self._prefix}{handler}", str(size), {"Content-Type": "application/json"}
        )
        answer = self._kept.connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{handler} answered {answer.status} {body!r}")


def register(admin: int, port: int) -> bool:
    """Tell the server where the handlers are."""
    body = json.dumps({"uri": f"http://127.0.0.1:{port}"}).encode()
    call = urllib.request.Request(
        f"http://127.0.0.1:{admin}/deployments", body, {"Content-Type": "application/json"}, method="POST"
    )
    return urllib.request.urlopen(call, timeout=10).status == 201


if __name__ == "__main__":
    ingress, admin, node, handlers = map(int, os.environ["PORTS"].split())
    settings = {
        "RESTATE_INGRESS__BIND_ADDRESS": f"127.0.0.1:{ingress}",
        "RESTATE_ADMIN__BIND_ADDRESS": f"127.0.0.1:{admin}",
        "RESTATE_BIND_ADDRESS": f"127.0.0.1:{node}",
        "RESTATE_LISTEN_MODE": "tcp",
        "RESTATE_DISABLE_TELEMETRY": "true",
        "RESTATE_BASE_DIR": os.environ["FOLDER"],
        "DO_NOT_TRACK": "1",
    }
    server = str(Path(sys.prefix) / "node_modules" / ".bin" / "restate-server")
    served = ("--bind", f"127.0.0.1:{handlers}", "--workers", "2", "benchmarks.peers.restate:app")
    with running(server, **settings), running(program("hypercorn"), *served):
        until(lambda: register(admin, handlers), "Restate")
        work = Handlers(ingress, "calls_" if sys.argv[1:] == ["calls"] else "")
        until(lambda: work.chain(1, 1) is None, "Restate's ingress")
        serve(work, "restate-sdk")
