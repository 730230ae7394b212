"""What the figures are held against, measured in the same run on the same servers."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import redis

from benchmarks import workloads
from benchmarks.stack import Stack, postgres

MESSAGES = 2_000
COMMITS = 500


def dramatiq_noop_per_s(redis_url: str) -> float:
    """Stock Dramatiq on this Redis: no-op messages sent one by one to one worker process of 8 threads. Not durable work."""
    from benchmarks.stock_dramatiq import DONE, connect

    noop = connect(redis_url, "noop")
    client = redis.Redis.from_url(redis_url)
    client.delete(DONE)
    with _worker(redis_url):
        noop.send()
        while not client.get(DONE):
            time.sleep(0.01)
        began = time.perf_counter()
        for _ in range(MESSAGES):
            noop.send()
        while int(client.get(DONE) or 0) < MESSAGES + 1:
            time.sleep(0.005)
        return MESSAGES / (time.perf_counter() - began)


def commits_per_s(database_url: str) -> float:
    """Durable commits of one small row on one connection."""
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS benchmark_commits (n int)")
        began = time.perf_counter()
        for number in range(COMMITS):
            connection.execute("INSERT INTO benchmark_commits VALUES (%s)", (number,))
        return COMMITS / (time.perf_counter() - began)


@contextmanager
def unbatched() -> Iterator[Stack]:
    """The same code with batching off: one transaction per event, one message at a time."""
    with postgres(commands=(("task-worker",), ("-m", "benchmarks.unbatched"), ("relay",), ("scheduler",))) as stack:
        yield stack


def unbatched_tasks_per_s(stack: Stack, workload: str) -> float:
    """A workload of many tasks on the unbatched stack."""
    return workloads.WORKLOADS[workload](stack)["tasks_per_s"]


@contextmanager
def _worker(redis_url: str) -> Iterator[None]:
    running = subprocess.Popen([sys.executable, "-m", "benchmarks.stock_dramatiq", redis_url], stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        running.terminate()
        running.wait(15)
