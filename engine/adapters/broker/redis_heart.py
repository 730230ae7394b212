"""A reader's signs of life in Redis, from a thread of its own, and the return of what dead readers held."""

from __future__ import annotations

from threading import Event, Thread

import redis
import structlog

from engine.adapters.broker.redis_client import reaching_redis
from engine.adapters.broker.redis_scripts import BEAT
from engine.adapters.broker.redis_talk import Script
from engine.errors import Unavailable

_log = structlog.get_logger(__name__)


class Heart:
    """Beats twenty times in the time after which a silent reader counts as dead (`dead_after` ms), but at least every 3 s.

    Dramatiq recovers dead workers' messages by chance, one command in a thousand, which takes up to an hour when idle;
    here every beat of every living reader does it.
    """

    def __init__(self, client: redis.Redis, namespace: str, broker_id: str, *, dead_after: int) -> None:
        self._beat = Script(client, BEAT)
        self._namespace = namespace
        self._broker_id = broker_id
        self._dead_after = dead_after
        self._readers: dict[str, int] = {}
        self._stopped = Event()
        self._thread: Thread | None = None

    def reading(self, queue: str, threads: int) -> None:
        """Say with every beat that this process reads a queue with so many threads."""
        self._readers[queue] = threads

    def start_once(self) -> None:
        """Begin to beat; whoever never reads needs no heart."""
        if self._thread is None:
            self._thread = Thread(target=self._run, name="broker-heart", daemon=True)
            self._thread.start()

    def stop(self) -> bool:
        """Beat no more; returns whether it ever did."""
        self._stopped.set()
        if self._thread is None:
            return False
        self._thread.join()
        return True

    def _run(self) -> None:
        pause = min(self._dead_after / 20_000, 3.0)
        silent = False
        while not self._stopped.is_set():
            try:
                with reaching_redis():
                    returned = self._beat(self._namespace, self._broker_id, self._dead_after, self._queues())
                silent = False
                if returned:
                    _log.warning("messages of a dead process are back in their queues", messages=returned)
            except Unavailable as error:
                if not silent:
                    _log.warning("no sign of life can be given", error=str(error))
                silent = True
            self._stopped.wait(pause)

    def _queues(self) -> str:
        return "\n".join(f"{queue} {threads}" for queue, threads in self._readers.copy().items())
