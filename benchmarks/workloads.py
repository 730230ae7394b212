"""What is measured: each function runs once on a stack and returns its figures by metric."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx

from benchmarks.stack import Stack

CHAINS, CHAIN = 200, 10
FAN = 100
PROBES = 100


def chain(stack: Stack) -> dict[str, float]:
    """200 instances of 10 tasks in sequence, through both queues."""
    took = _timed(stack, "chain", CHAINS)
    return {"tasks_per_s": CHAINS * CHAIN / took, "rss_mib": stack.rss_mib()}


def fanout(stack: Stack) -> dict[str, float]:
    """10 instances of 100 tasks side by side and a join."""
    took = _timed(stack, "fanout", 10)
    return {"tasks_per_s": 10 * (FAN + 1) / took}


def sequential(stack: Stack) -> dict[str, float]:
    """One instance of 40 tasks in sequence: the latency of a hop, 40 times."""
    return {"total_ms": _timed(stack, "sequential", 1) * 1000}


def latency(stack: Stack) -> dict[str, float]:
    """One task: from the POST that starts it to a blocking GET that sees `finished_at`; over HTTP where there is an API."""
    times = sorted((_over_http if stack.api else _in_process)(stack) for _ in range(PROBES))
    return {"p50_ms": times[PROBES // 2] * 1000, "p99_ms": times[int(PROBES * 0.99)] * 1000}


def _over_http(stack: Stack) -> float:
    client = _client(stack.api)
    began = time.perf_counter()
    started = client.post("/api/v1/workflows/latency/instances", json={"inputs": {}}).raise_for_status().json()
    found = client.get(f"/api/v1/instances/{started['id']}", params={"wait": 30}).raise_for_status().json()
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


_clients: dict[str, httpx.Client] = {}


def _client(url: str) -> httpx.Client:
    if url not in _clients:
        _clients[url] = httpx.Client(base_url=url, trust_env=False, timeout=60)
    return _clients[url]


def _timed(stack: Stack, workflow: str, count: int) -> float:
    began = time.perf_counter()
    stack.wait(stack.start(workflow, count))
    return time.perf_counter() - began


WORKLOADS: dict[str, Callable[[Stack], dict[str, float]]] = {
    "chain": chain,
    "fanout": fanout,
    "latency": latency,
    "sequential": sequential,
}
