"""What an engine takes of the machine: memory when it has just started and under load, processor time when there is nothing to do."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection

from benchmarks.http_calls import call
from benchmarks.stack import Running

SETTLE, WATCHED = 2.0, 5.0
"""Seconds in which what was begun ends, and in which is looked."""
SENDERS, INSTANCES = 8, 400
STARTED, ENDED = "/api/v1/workflows/chain/instances", "/api/v1/instances/{id}?wait=30"


def idle(running: Running) -> dict[str, float]:
    """Percent of one processor that all processes take together while nothing happens."""
    time.sleep(SETTLE)
    before = running.cpu_seconds()
    time.sleep(WATCHED)
    return {"cpu_percent": (running.cpu_seconds() - before) / WATCHED * 100}


def memory(running: Running, load: Callable[[], object]) -> dict[str, float]:
    """MiB resident, of all processes and of each: when they have just started, and the most under a load."""
    time.sleep(SETTLE)
    resting = running.rss_mib()
    most = dict(resting)
    with _watching(running, most):
        load()
    found = {"idle_mib": sum(resting.values()), "load_mib": sum(most.values())}
    for name in resting if len(resting) > 1 else ():
        found |= {f"idle_mib_of_{name}": resting[name], f"load_mib_of_{name}": most[name]}
    return found


@contextmanager
def _watching(running: Running, most: dict[str, float]) -> Iterator[None]:
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            for name, size in running.rss_mib().items():
                most[name] = max(most[name], size)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def chains(api: str) -> None:
    """A load: 400 chains of 10 tasks that come in over HTTP."""
    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(lambda _: _send(api), range(SENDERS)))


def _send(api: str) -> None:
    with closing(HTTPConnection(api.removeprefix("http://"), timeout=60)) as connection:
        body = json.dumps({"inputs": {}}).encode()
        started = [call(connection, "POST", STARTED, body)["id"] for _ in range(INSTANCES // SENDERS)]
        for instance in started:
            if not call(connection, "GET", ENDED.format(id=instance))["finished_at"]:
                raise SystemExit(f"{instance} did not end within 30 s")
