"""What a task costs beside a million finished instances, held against an empty database: two stacks, measured in turn."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks import finished
from benchmarks.stack import STACKS, Servers, Stack
from benchmarks.workloads import chains

FINISHED = 1_000_000
ROUNDS = 3
"""Chains that make one figure: 6,000 tasks."""
LOOKS = 20


class Beside:
    """A stack with so many finished instances."""

    def __init__(self, name: str, stack: Stack) -> None:
        self.name = name
        self._stack = stack

    def run(self, _workload: str) -> dict[str, float]:
        """See `Subject`."""
        return {"tasks_per_s": chains(self._stack, ROUNDS), "ms_of_looks": _looks(self._stack) * 1000}


@contextmanager
def subjects(name: str, servers: Servers) -> Iterator[list[Beside]]:
    """An empty database and a full one."""
    with ExitStack() as stacks:
        empty, full = (stacks.enter_context(STACKS[name](servers)) for _ in range(2))
        finished.fill(full, "chain", FINISHED, ended=(80, 1))
        yield [Beside(f"{name}, empty", empty), Beside(f"{name}, {FINISHED:,} finished", full)]


def _looks(stack: Stack) -> float:
    """Seconds for what monitors, pages and the scheduler read again and again."""
    instances = stack.application.instances
    reader, recovery = instances.reader, instances.recovery
    began = time.perf_counter()
    for _ in range(LOOKS):
        page = reader.list()
        reader.list(before=page[-1].id)
        reader.list(state="succeeded", workflow="chain")
        reader.list(state="failed")
        reader.counts(1_000)
        reader.unfinished()
        reader.ended()
        instances.backlogs.read()
        instances.outbox.size()
        recovery.due()
        recovery.live(None)
        recovery.received(0)
        instances.ends.read()
    return (time.perf_counter() - began) / LOOKS
