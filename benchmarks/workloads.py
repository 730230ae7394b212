"""Workloads of instances: each function runs once on a stack and returns its figures by metric."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import psutil

from benchmarks.http_calls import call
from benchmarks.stack import Stack
from benchmarks.workflows import CHAIN, FAN, WIDTH

CHAINS, FANS = 200, 10
"""Instances at once."""
PROBES = 100
LARGE = 100_000
"""Items of the largest fan-out."""
LONG = 10_000
"""Iterations of the longest loop."""


def chain(stack: Stack) -> dict[str, float]:
    """200 instances of 10 tasks in sequence, through both queues."""
    count = CHAINS // stack.fewer
    return {"tasks_per_s": count * CHAIN / _timed(stack, "chain", count)}


def chains(stack: Stack, rounds: int) -> float:
    """Tasks in a second over so many rounds of `chain`."""
    return rounds / sum(1 / chain(stack)["tasks_per_s"] for _ in range(rounds))


def fanout(stack: Stack) -> dict[str, float]:
    """10 instances of 100 tasks side by side and a join."""
    count = FANS // stack.fewer
    return {"tasks_per_s": count * (FAN + 1) / _timed(stack, "fanout", count)}


def wide(stack: Stack) -> dict[str, float]:
    """One instance of 1,000 items side by side and a join."""
    return {"tasks_per_s": (WIDTH + 1) / _timed(stack, "wide", 1)}


def sequential(stack: Stack) -> dict[str, float]:
    """One instance of 40 tasks in sequence: the latency of a hop, 40 times."""
    return {"total_ms": _timed(stack, "sequential", 1) * 1000}


def latency(stack: Stack) -> dict[str, float]:
    """One task: from the POST that starts it to a blocking GET that sees `finished_at`; over HTTP where there is an API."""
    if not stack.api:
        times = sorted(_in_process(stack) for _ in range(PROBES))
    else:
        with closing(HTTPConnection(stack.api.removeprefix("http://"), timeout=60)) as connection:
            times = sorted(_over_http(connection) for _ in range(PROBES))
    return {"p50_ms": times[PROBES // 2] * 1000, "p99_ms": times[int(PROBES * 0.99)] * 1000}


def items(stack: Stack) -> dict[str, float]:
    """What one item of a `for_each` costs, among 10, 1,000 and 100,000, in time and in work of all processors together.

    Each time it is the same number of items but the last. `bounded`: 64 at once, a loop of 1,000 after the other.
    """
    figures: dict[str, float] = {}
    for size, count in ((10, 1_000), (1_000, 10), (LARGE, 1)):
        before = _work()
        figures[f"us_per_item_of_{size}"] = _per_item(stack, "items", size, count)
        figures[f"cpu_us_per_item_of_{size}"] = (_work() - before) / (size * count) * 1e6
    for metric in ("us", "cpu_us"):
        growth = figures[f"{metric}_per_item_of_{LARGE}"] / figures[f"{metric}_per_item_of_10"]
        figures[f"{metric}_growth"] = growth
    few = sum(_per_item(stack, "bounded", 1_000, 1) for _ in range(10)) / 10
    many = _per_item(stack, "bounded", LARGE, 1)
    return figures | {
        "bounded_us_per_item_of_1000": few,
        f"bounded_us_per_item_of_{LARGE}": many,
        "bounded_us_growth": many / few,
    }


def iterations(stack: Stack) -> dict[str, float]:
    """What one iteration of a `repeat` costs, of 10 (20 times over, one after the other) and of 10,000."""
    short = sum(_timed(stack, "iterations", 1, {"times": 10}) for _ in range(20)) / 200 * 1e6
    long = _timed(stack, "iterations", 1, {"times": LONG}) / LONG * 1e6
    return {"us_per_iteration_of_10": short, f"us_per_iteration_of_{LONG}": long, "growth": long / short}


def _work() -> float:
    """Processor seconds of this process, which starts the instances, and of all below it: the engine and the servers."""
    me = psutil.Process()
    return float(sum(sum(entry.cpu_times()[:4]) for entry in (me, *me.children(recursive=True))))


def _per_item(stack: Stack, workflow: str, size: int, count: int) -> float:
    """Microseconds."""
    return _timed(stack, workflow, count, {"items": list(range(size))}) / (size * count) * 1e6


def _over_http(connection: HTTPConnection) -> float:
    began = time.perf_counter()
    started = call(connection, "POST", "/api/v1/workflows/latency/instances", b'{"inputs": {}}')
    found = call(connection, "GET", f"/api/v1/instances/{started['id']}?wait=30")
    took = time.perf_counter() - began
    if not found["finished_at"]:
        raise SystemExit(f"{started['id']} did not end within 30 s")
    return took


def _in_process(stack: Stack) -> float:
    signals, reader = stack.application.broker.signals, stack.application.instances.reader
    began = time.perf_counter()
    instance = stack.start("latency", 1)[0]
    while reader.get(instance).finished_at is None:
        signals.wait(instance, 0.25)
    return time.perf_counter() - began


def _timed(stack: Stack, workflow: str, count: int, inputs: dict[str, Any] | None = None) -> float:
    began = time.perf_counter()
    stack.wait(stack.start(workflow, count, inputs)[-1])
    return time.perf_counter() - began


WORKLOADS: dict[str, Callable[[Stack], dict[str, float]]] = {
    "chain": chain,
    "fanout": fanout,
    "wide": wide,
    "latency": latency,
    "sequential": sequential,
    "items": items,
    "iterations": iterations,
}
