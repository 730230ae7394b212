"""Peers as subjects: each is a program in an environment of its own that does the same work on the same servers when it is told to."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks import resources
from benchmarks.stack import Running, Servers, temporary
from benchmarks.workflows import CHAIN, FAN, HOPS, WIDTH
from benchmarks.workloads import CHAINS, FANS, PROBES
from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / ".venv-peers"
SAME: Mapping[str, tuple[int, int]] = {
    "chain": (CHAINS, CHAIN),
    "fanout": (FANS, FAN),
    "wide": (1, WIDTH),
    "latency": (PROBES, 1),
    "sequential": (1, HOPS),
}
"""Instances and tasks in each, as ours have them."""
FEWEST_PROBES = 25
"""What a slow peer is probed for latency at least."""


@dataclass(frozen=True, kw_only=True)
class About:
    """What a reader should know of a peer beside its figures."""

    title: str
    durability: str
    fewer: int = 1
    """A slow peer is given this fraction of the instances of a workload: what counts is the rate."""
    client_works: bool = False
    """Its client runs the tasks, and so is part of what takes memory."""
    program: tuple[str, ...] = ()
    """The module below `benchmarks.peers`, whose environment has its name, and arguments; empty: the peer's name alone."""


PEERS = {
    "dramatiq": About(title="Dramatiq", durability="none: messages in Redis"),
    "celery": About(title="Celery", durability="none: messages and results in Redis"),
    "dbos": About(title="DBOS", durability="every step, in PostgreSQL", client_works=True),
    "prefect": About(title="Prefect", durability="records only, in PostgreSQL", fewer=20, client_works=True),
    "restate": About(title="Restate, steps", durability="every step, in its own log"),
    "restate-calls": About(
        title="Restate, calls", durability="every call, in its own log", program=("restate", "calls")
    ),
    "temporal": About(title="Temporal dev server", durability="every event, in SQLite", fewer=10),
}


class Peer:
    """A running peer."""

    def __init__(self, name: str, program: subprocess.Popen[str]) -> None:
        self.name = name
        self._program = program
        self._about = PEERS[name]
        self.version: str = self._read()["version"]

    def run(self, workload: str) -> dict[str, float]:
        """See `Subject`."""
        if workload == "idle":
            return resources.idle(self._running())
        if workload not in SAME:
            return {}
        instances, size = SAME[workload]
        least = FEWEST_PROBES if workload == "latency" else 1
        return self._ask(workload=workload, instances=max(instances // self._about.fewer, least), size=size)

    def memory(self) -> dict[str, float]:
        """MiB resident: at the start, and the most while chains run."""
        return resources.memory(self._running(), lambda: self.run("chain"))

    def _running(self) -> Running:
        driver = psutil.Process(self._program.pid)
        processes = driver.children(recursive=True) + [driver] * self._about.client_works
        return Running(name=self.name, pids={str(each.pid): each.pid for each in processes})

    def _ask(self, **request: Any) -> dict[str, float]:
        assert self._program.stdin is not None
        print(json.dumps(request), file=self._program.stdin, flush=True)
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._program.stdout is not None
        line = self._program.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended with status {self._program.wait(10)}")
        found: dict[str, Any] = json.loads(line)
        return found


class FreshPeer:
    """A peer that is started anew for each run."""

    def __init__(self, name: str, servers: Servers) -> None:
        self.name = name
        self._servers = servers

    def run(self, workload: str) -> dict[str, float]:
        """See `Subject`."""
        if workload != "memory":
            return {}
        with peer(self.name, self._servers) as running:
            found = running.memory()
        return {metric: found[metric] for metric in ("idle_mib", "load_mib")}


def absent(name: str) -> str:
    """Why a peer cannot be measured here; empty: it can."""
    installed = ENVIRONMENTS / _program(name)[0] / ".installed"
    return "" if installed.exists() else "not installed, as scripts/peers could not or was not run"


def _program(name: str) -> tuple[str, ...]:
    return PEERS[name].program or (name,)


@contextmanager
def peer(name: str, servers: Servers) -> Iterator[Peer]:
    """The peer of this name, running, on a database and a Redis of its own on these servers."""
    with temporary() as folder:
        environment = os.environ | {
            "DATABASE_URL": servers.database.url(servers.database.create_database()).replace("+psycopg", ""),
            "REDIS_URL": servers.cache.fresh_url(),
            "FOLDER": str(folder),
            "PORTS": " ".join(str(free_port()) for _ in range(4)),
        }
        module, *arguments = _program(name)
        program = subprocess.Popen(
            [ENVIRONMENTS / module / "bin" / "python", "-m", f"benchmarks.peers.{module}", *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield Peer(name, program)
        finally:
            assert program.stdin is not None
            program.stdin.close()
            program.wait(60)
