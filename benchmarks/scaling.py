"""What more processes bring: throughput, shares and waits for locks with one, two and four of each that carries tasks."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from benchmarks.rounds import Figure, measure
from benchmarks.stack import Servers, Stack, on_servers
from tests.faults import shares
from tests.faults.locks import LockWatch, watching_locks

COUNTS = (1, 2, 4)
SHARED = ("task-worker", "notification-worker", "relay", "scheduler")
SLEEP = 0.04
"""Seconds that a sleeping task takes of a thread, and of no processor."""
WORKLOADS: Mapping[str, tuple[int, dict[str, Any]]] = {
    "sleeping": (10, {"items": list(range(80)), "seconds": SLEEP}),
    "short": (200, {"items": list(range(10)), "seconds": 0}),
    "one_instance": (1, {"items": list(range(2_000)), "seconds": 0}),
}
"""Instances and their inputs: tasks that sleep, tasks that take no time, and such within one instance."""


def scaling(servers: Servers, runs: int) -> list[Figure]:
    """One, two and four of each in turn on the same servers, and what their databases saw meanwhile."""
    with ExitStack() as opened:
        subjects = [opened.enter_context(_several(count, servers)) for count in COUNTS]
        figures = measure("scaling", subjects, list(WORKLOADS), runs)
    for subject in subjects:
        for metric, value in _seen(subject.watch).items():
            figures.append(Figure(group="scaling", workload="all", who=subject.name, metric=metric, values=(value,)))
    return figures


class Several:
    """A stack with so many of each."""

    def __init__(self, count: int, stack: Stack, watch: LockWatch) -> None:
        self.name = f"{count} of each"
        self.watch = watch
        self._count = count
        self._stack = stack

    def run(self, workload: str) -> dict[str, float]:
        """Tasks a second, and how even the shares of task workers and of notification workers were."""
        instances, inputs = WORKLOADS[workload]
        before = self._done()
        began = time.perf_counter()
        self._stack.wait(self._stack.start("performed", instances, inputs)[-1])
        took = time.perf_counter() - began
        after = self._done()
        figures = {"tasks_per_s": instances * len(inputs["items"]) / took}
        for kind, command in (("tasks", "task-worker"), ("events", "notification-worker")):
            pids = [pid for name, pid in self._stack.pids.items() if name.startswith(command)]
            figures[f"{kind}_fairness"] = shares.fairness(
                [after[kind].get(pid, 0) - before[kind].get(pid, 0) for pid in pids]
            )
        return figures

    def _done(self) -> Mapping[str, Mapping[int, int]]:
        """Tasks performed and events decided until now, by process."""
        state = self._stack.application.config.state_dir
        tasks = {process: len(lines) for process, lines in shares.by_process(state, "tasks").items()}
        events = {process: sum(map(int, lines)) for process, lines in shares.by_process(state, "events").items()}
        return {"tasks": tasks, "events": events}


@contextmanager
def _several(count: int, servers: Servers) -> Iterator[Several]:
    commands = [("-m", "benchmarks.counted", command) for command in SHARED for _ in range(count)]
    with on_servers(f"{count} of each", servers, commands) as stack:
        url = stack.application.config.instances
        with watching_locks(servers.database, url) as watch:
            yield Several(count, stack, watch)


def _seen(watch: LockWatch) -> dict[str, float]:
    return {
        "deadlocks": watch.deadlocks,
        "logged_waits": len(watch.logged),
        "sessions_waiting": watch.share,
        "longest_wait_ms": watch.longest,
    }
