"""Celery: chains and chords, with Redis as broker and as result backend.

Durability: of messages and results only, as far as Redis keeps them; by default a task is acknowledged before it runs, so that a worker
that is killed loses it and the rest of its chain. Settings: prefork with two processes (its default: one for each processor) and a
prefetch multiplier of 64, as its guide advises for many short tasks. Done: `get()` of every instance's last result.
"""

from __future__ import annotations

import os

from celery import Celery, chain, chord

from benchmarks.peers.serving import program, running, serve

app = Celery("benchmark", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])


@app.task
def noop() -> None:
    """Nothing."""


class Canvas:
    """Implements `Work`."""

    def chain(self, instances: int, length: int) -> None:
        """See `Work`."""
        for result in [chain(*(noop.si() for _ in range(length)))() for _ in range(instances)]:
            result.get()

    def fan(self, instances: int, width: int) -> None:
        """See `Work`."""
        for result in [chord([noop.si() for _ in range(width)])(noop.si()) for _ in range(instances)]:
            result.get()


if __name__ == "__main__":
    from benchmarks.peers.celery import Canvas as Declared  # under the name that the workers know its task by

    options = (
        "worker",
        "--pool",
        "prefork",
        "--concurrency",
        "2",
        "--prefetch-multiplier",
        "64",
        "--loglevel",
        "WARNING",
    )
    with running(program("celery"), "--app", "benchmarks.peers.celery:app", *options):
        serve(Declared(), "celery")
