"""Dramatiq: pipelines, and groups with a completion callback, on Redis.

Durability: none of the flow. A message is kept in Redis until it is acknowledged, but what comes next is known only to messages:
no state, no history, and nothing that survives the loss of Redis. Settings: stock middleware, two processes of eight threads
(its default: a process for each processor). Done: the last task of an instance pushes onto a list that the client waits for.
"""

from __future__ import annotations

import os

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import GroupCallbacks
from dramatiq.rate_limits.backends import RedisBackend

from benchmarks.peers.serving import program, running, serve

DONE = "benchmark:done"


class Pipelines:
    """Implements `Work`."""

    def __init__(self) -> None:
        self._noop = declare()
        self._client = redis.Redis.from_url(os.environ["REDIS_URL"])

    def chain(self, instances: int, length: int) -> None:
        """See `Work`."""
        for _ in range(instances):
            dramatiq.pipeline([*(self._message() for _ in range(length - 1)), self._message(last=True)]).run()
        self._wait(instances)

    def fan(self, instances: int, width: int) -> None:
        """See `Work`."""
        for _ in range(instances):
            group = dramatiq.group([self._message() for _ in range(width)])
            group.add_completion_callback(self._message(last=True))
            group.run()
        self._wait(instances)

    def _message(self, *, last: bool = False) -> dramatiq.Message[None]:
        return self._noop.message_with_options(args=(last,), pipe_ignore=True)

    def _wait(self, instances: int) -> None:
        for _ in range(instances):
            self._client.blpop([DONE], 0)


def declare() -> dramatiq.Actor[[bool], None]:
    """The broker and its one actor; the worker processes call it too."""
    client = redis.Redis.from_url(os.environ["REDIS_URL"])
    broker = RedisBroker(url=os.environ["REDIS_URL"])
    broker.add_middleware(GroupCallbacks(RedisBackend(client=client)))
    dramatiq.set_broker(broker)

    def noop(last: bool) -> None:
        if last:
            client.rpush(DONE, 1)

    return dramatiq.actor(noop)


if __name__ == "__main__":
    with running(program("dramatiq"), "benchmarks.peers.dramatiq:declare", "--processes", "2", "--threads", "8"):
        serve(Pipelines(), "dramatiq")
