"""What live work loses while `headrace prune` throws away old instances beside it: without and with it, in turn, on one stack."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks import finished
from benchmarks.stack import STACKS, Servers, Stack, process
from benchmarks.workloads import chains, latency

OLD = 200_000
ROUNDS = 5
"""Chains that make one figure: 10,000 tasks."""
PRUNE = ("prune", "--older-than", "30d")


class Alone:
    """Nothing else goes on."""

    def __init__(self, name: str, stack: Stack) -> None:
        self.name = name
        self._stack = stack

    def run(self, _workload: str) -> dict[str, float]:
        """See `Subject`."""
        return {"tasks_per_s": chains(self._stack, ROUNDS), **latency(self._stack)}


class WhilePruning(Alone):
    """Old instances go meanwhile; those that are left stay for the next round."""

    def run(self, workload: str) -> dict[str, float]:
        """See `Subject`."""
        with _pruning(self._stack) as rate:
            return {**super().run(workload), "pruned_per_s": rate()}


@contextmanager
def subjects(name: str, servers: Servers) -> Iterator[list[Alone]]:
    """One stack, twice."""
    with STACKS[name](servers) as stack:
        finished.fill(stack, "chain", OLD, ended=(80, 40))
        yield [Alone(f"{name}, alone", stack), WhilePruning(f"{name}, while pruning", stack)]


@contextmanager
def _pruning(stack: Stack) -> Iterator[Callable[[], float]]:
    """Gives how many instances went in a second so far."""
    left = stack.application.instances.retention.count
    before = stack.application.instances.recovery.now() - 30 * finished.DAY
    with process(PRUNE, stack.application.config) as running:
        full = left(ended_before=before)
        while (count := left(ended_before=before)) == full:
            if running.poll() is not None:
                raise SystemExit("nothing is left to prune")
            time.sleep(0.01)
        began = time.perf_counter()

        def rate() -> float:
            if running.poll() is not None:
                raise SystemExit("pruning was over before the measurement")
            return (count - left(ended_before=before)) / (time.perf_counter() - began)

        yield rate
