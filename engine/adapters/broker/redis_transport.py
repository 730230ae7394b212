"""Queues in Redis: a blocking fetch, everything of a batch in one MULTI, and recovery of what dead processes held."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any
from uuid import uuid4

import redis

from engine.adapters.broker.redis_client import reaching_redis
from engine.adapters.broker.redis_heart import Heart
from engine.adapters.broker.redis_names import Names
from engine.adapters.broker.redis_scripts import FETCH, FIGURES, LEAVE, PUSH, RELEASE, REQUEUE
from engine.adapters.broker.redis_signals import announce
from engine.adapters.broker.transport import CANCEL_SECONDS, EVERYWHERE
from engine.adapters.broker.wire import Envelope, oldest, priority_of
from engine.app.figures import QueueFigures
from engine.errors import Unavailable

MOST = 1000
"""Messages per fetch; Lua's stack holds some thousand."""


class RedisTransport:
    """`Transport` over Redis 6.2 or later. `dead_after` in ms: how long a silent reader keeps its messages."""

    def __init__(self, client: redis.Redis, names: Names, *, dead_after: int) -> None:
        self.broker_id = uuid4().hex
        self._client = client
        self._names = names
        self._fetch = client.register_script(FETCH)
        self._requeue = client.register_script(REQUEUE)
        self._leave = client.register_script(LEAVE)
        self._figures = client.register_script(FIGURES)
        self._dead_after = dead_after
        self._heart = Heart(client, names.namespace, self.broker_id, dead_after=dead_after)
        self._reading = Lock()
        self._drained: set[str] = set()
        """Queues whose last fetch got all there was: to wait at once saves looking in vain."""

    def settle(
        self,
        *,
        publish: Sequence[Envelope] = (),
        ack: Mapping[str, Sequence[str]] | None = None,
        release: Sequence[str] = (),
        cancel: Sequence[str] = (),
        changed: Collection[str] = (),
    ) -> None:
        """One MULTI, one round trip."""
        with reaching_redis(), self._client.pipeline(transaction=True) as batch:
            self._send(batch, publish)
            for queue, ids in (ack or {}).items():
                if ids:
                    batch.srem(self._names.unacknowledged(self.broker_id, queue), *ids)
                    batch.hdel(self._names.bodies(queue), *ids)
            if release:
                batch.eval(RELEASE, 1, self._names.namespace, self.broker_id, *release)
            for key in cancel:
                batch.set(self._names.cancel(key), b"asked", ex=CANCEL_SECONDS)
            if changed:
                announce(batch, self._names, changed)
            if len(batch):
                batch.execute()

    def fetch(self, queue: str, limit: int, timeout: float) -> Sequence[tuple[str, bytes]]:
        """Wait by moving the list's head onto itself: a blocking look at it that takes nothing."""
        self._beat()
        with reaching_redis():
            found = [] if timeout > 0 and queue in self._drained else self._take(queue, limit)
            self._drained.discard(queue)
            if not found and timeout > 0:
                name = self._names.queue(queue)
                if self._client.blmove(name, name, timeout, "LEFT", "LEFT"):  # type: ignore[arg-type]  # Redis takes fractions
                    found = self._take(queue, limit)
            if 0 < len(found) < min(limit, MOST):
                self._drained.add(queue)
            return found

    def requeue(self, queue: str, ids: Sequence[str]) -> None:
        """Put back what we hold of these."""
        with reaching_redis():
            for start in range(0, len(ids), MOST):
                self._requeue([self._names.namespace], [self.broker_id, queue, *ids[start : start + MOST]])

    def requeue_others(self, queue: str, mine: Collection[str]) -> None:
        """Put back what Redis says we hold and we know nothing of."""
        with reaching_redis():
            held: set[bytes] = self._client.smembers(self._names.unacknowledged(self.broker_id, queue))  # type: ignore[assignment]  # redis-py's types are those of both its clients
        self.requeue(queue, [one for one in map(bytes.decode, held) if one not in mine])

    def queues(self) -> Collection[str]:
        """All but those that every deployment has are remembered when something is sent."""
        with reaching_redis():
            found: set[bytes] = self._client.smembers(self._names.queues)  # type: ignore[assignment]  # as above
        return [name.decode() for name in found]

    def reading(self, queue: str, threads: int) -> None:
        """Others hear of it by the heartbeats."""
        self._heart.reading(queue, threads)

    def figures(self) -> Sequence[QueueFigures]:
        """One script, of lengths and ends of lists. Ages are as right as the clocks of senders and Redis agree."""
        queues = sorted({*EVERYWHERE, *self.queues()})
        with reaching_redis():
            now, readers, *found = self._figures([self._names.namespace], [self._dead_after, *queues])
        threads = _threads(readers)
        return [
            QueueFigures(
                queue=queue,
                waiting=waiting,
                unacknowledged=held,
                oldest=oldest(map(bytes.decode, heads), now),
                workers=len(threads.get(queue, ())),
                threads=sum(threads.get(queue, ())),
            )
            for queue, (waiting, held, heads) in zip(queues, found, strict=True)
        ]

    def generation(self) -> str:
        """Whoever finds no marker sets one."""
        with reaching_redis(), self._client.pipeline(transaction=False) as batch:
            batch.set(self._names.generation, uuid4().hex, nx=True)
            batch.get(self._names.generation)
            marker: bytes = batch.execute()[1]
            return marker.decode()

    def ping(self) -> None:
        """Raises Unavailable."""
        with reaching_redis():
            self._client.ping()

    def close(self) -> None:
        """Leave in good order, so that nobody has to wait until we count as dead."""
        if self._heart.stop():
            try:
                with reaching_redis():
                    self._leave([self._names.namespace], [self.broker_id])
            except Unavailable:
                pass  # then our messages come back when we count as dead
        self._client.close()

    def _send(self, batch: Any, envelopes: Sequence[Envelope]) -> None:
        for queue, bodies in _by_queue(envelopes):
            batch.hset(self._names.bodies(queue), mapping=bodies)
            if queue not in EVERYWHERE:
                batch.sadd(self._names.queues, queue)
            ranked = [name for name in bodies if priority_of(name)]
            if ranked:
                batch.eval(PUSH, 1, self._names.namespace, queue, *ranked)
            plain = [name for name in bodies if not priority_of(name)] if ranked else bodies
            if plain:
                batch.rpush(self._names.queue(queue), *plain)

    def _beat(self) -> None:
        with self._reading:
            self._heart.start_once()

    def _take(self, queue: str, limit: int) -> list[tuple[str, bytes]]:
        flat: list[bytes] = self._fetch([self._names.namespace], [self.broker_id, queue, min(limit, MOST)])
        return [(flat[n].decode(), flat[n + 1]) for n in range(0, len(flat), 2)]


def _by_queue(envelopes: Sequence[Envelope]) -> Iterator[tuple[str, dict[Any, Any]]]:
    queues: dict[str, dict[Any, Any]] = defaultdict(dict)
    for envelope in envelopes:
        queues[envelope.queue][envelope.id] = envelope.data
    yield from queues.items()


def _threads(readers: Sequence[bytes]) -> Mapping[str, Sequence[int]]:
    """The threads of each process that reads a queue, from what the processes say of themselves."""
    found: dict[str, list[int]] = defaultdict(list)
    for line in b"\n".join(readers).decode().split("\n"):
        queue, _, threads = line.rpartition(" ")
        if queue:
            found[queue].append(int(threads))
    return found
