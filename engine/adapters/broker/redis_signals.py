"""Hints about ended instances through one Redis channel: one message per batch, one listening thread per process that waits."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Any

import redis
import structlog
from redis.client import PubSub

from engine.adapters.broker.redis_client import reaching_redis
from engine.adapters.broker.redis_names import Names
from engine.adapters.broker.redis_talk import Command, talk
from engine.adapters.broker.waiting import Waiting
from engine.errors import Unavailable

LISTEN = 1.0
"""Seconds between two looks whether to stop."""

_log = structlog.get_logger(__name__)


def announcement(client: redis.Redis, names: Names, instances: Collection[str]) -> Command:
    """The command that publishes the ids of ended instances."""
    database = client.connection_pool.connection_kwargs.get("db") or 0
    return ("PUBLISH", names.changed(database), "\n".join(instances))


class RedisSignals:
    """`Signals` over Redis. Listening begins with the first wait."""

    def __init__(self, client: redis.Redis, names: Names) -> None:
        self._client = client
        self._names = names
        self._channel = names.changed(client.connection_pool.connection_kwargs.get("db") or 0)
        self._waiting = Waiting()
        self._listening = Event()
        self._stopped = Event()
        self._starting = Lock()
        self._thread: Thread | None = None

    def changed(self, instances: Collection[str]) -> None:
        """Hint at once, in a round trip of its own."""
        if instances:
            with reaching_redis():
                talk(self._client, [announcement(self._client, self._names, instances)])

    def wait(self, instance: str, timeout: float) -> bool:
        """Block for a hint. While nothing can be heard it says True once listening begins: look again, it may have ended."""
        self._listen()
        if not self._listening.is_set():
            return self._listening.wait(timeout)
        return self._waiting.wait(instance, timeout)

    def close(self) -> None:
        """Listen no more."""
        self._stopped.set()
        if self._thread is not None:
            with suppress(Unavailable):
                self.changed([""])  # wakes our own listener, which else looks up once a second
            self._thread.join()
        self._waiting.wake_all()

    def _listen(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = Thread(target=self._run, name="broker-signals", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with reaching_redis(), self._client.pubsub() as subscription:  # type: ignore[no-untyped-call]  # redis-py left it so
                    subscription.subscribe(self._channel)
                    self._hear(subscription)
            except Unavailable as error:
                _log.warning("signals cannot be heard, waiters look at the database", error=str(error))
                self._listening.clear()
                self._stopped.wait(0.5)

    def _hear(self, subscription: PubSub) -> None:
        while not self._stopped.is_set():
            message: dict[str, Any] | None = subscription.get_message(timeout=LISTEN)
            if message is None:
                continue
            if message["type"] == "subscribe":
                self._listening.set()
                self._waiting.wake_all()
            elif message["type"] == "message":
                self._waiting.wake(message["data"].decode().split("\n"))
