"""A worker process as Dramatiq's own documentation starts it, counting what it ran."""

from __future__ import annotations

import signal
import sys
import threading
from typing import Any

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker

DONE = "benchmark:done"


def connect(url: str, name: str) -> Any:
    """Declare the actor on a stock broker of its own namespace."""
    broker = RedisBroker(url=url, namespace="stock")
    client = redis.Redis.from_url(url)

    def noop() -> None:
        client.incr(DONE)

    return dramatiq.actor(noop, broker=broker, actor_name=name)


def main() -> None:
    actor = connect(sys.argv[1], "noop")
    worker = dramatiq.Worker(actor.broker, worker_threads=8)
    worker.start()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    stop.wait()
    worker.stop(5_000)


if __name__ == "__main__":
    main()
