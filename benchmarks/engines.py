"""Headrace as subjects of a measurement: which workloads run on which stack."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from benchmarks import growth, linting, resources, retention, simulated
from benchmarks.deliveries import webhook
from benchmarks.resources import idle
from benchmarks.rounds import Subject
from benchmarks.stack import STACKS, Running, Servers
from benchmarks.workloads import WORKLOADS

RUN: Mapping[str, Callable[[Any], dict[str, float]]] = {**WORKLOADS, "webhook": webhook, "idle": idle}
OFFERED: Mapping[str, Collection[str]] = {
    "sqlite": tuple(WORKLOADS),
    "postgres": tuple(RUN),
    "combined": tuple(RUN),
    "workers": tuple(RUN),
    "dev": ("idle",),
}
"""By stack: `headrace dev` is one process whose database and queues nobody else can reach."""
FRESH = ("memory",)
"""Workloads that want an engine that has just started."""
WATCHED = ("postgres", "combined", "workers", "dev")
"""The stacks whose processes do nothing but run the engine."""
ALONE: Mapping[str, Callable[[int], dict[str, list[float]]]] = {"tests": simulated.measure, "lint": linting.measure}
"""Workloads that need no stack."""
PAIRS: Mapping[str, Callable[[str, Servers], AbstractContextManager[Sequence[Subject]]]] = {
    "growth": growth.subjects,
    "retention": retention.subjects,
}
"""Workloads of two subjects of one stack, of those in PAIRED."""
PAIRED = ("sqlite", "postgres")
OWN = ("scaling",)
"""Workloads that bring stacks of their own."""
KNOWN = (*RUN, *FRESH, *PAIRS, *ALONE, *OWN)


class Engine:
    """A running stack."""

    def __init__(self, running: Running, offered: Collection[str]) -> None:
        self.name = running.name
        self._running = running
        self._offered = offered

    def run(self, workload: str) -> dict[str, float]:
        """See `Subject`."""
        return RUN[workload](self._running) if workload in self._offered else {}


class Fresh:
    """A stack that is started anew for each run."""

    def __init__(self, name: str, servers: Servers) -> None:
        self.name = name
        self._make: Callable[[Servers], AbstractContextManager[Running]] = STACKS[name]
        self._servers = servers

    def run(self, workload: str) -> dict[str, float]:
        """See `Subject`."""
        if workload not in FRESH or self.name not in WATCHED:
            return {}
        with self._make(self._servers) as running:
            return resources.memory(running, lambda: resources.chains(running.api))


@contextmanager
def engine(name: str, servers: Servers) -> Iterator[Engine]:
    """The stack of this name, running."""
    make: Callable[[Servers], AbstractContextManager[Running]] = STACKS[name]
    with make(servers) as running:
        yield Engine(running, OFFERED[name])
