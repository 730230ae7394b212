"""Queues in Redis: a blocking fetch, everything of a batch in one MULTI, and recovery of what dead processes held."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from threading import Lock
from uuid import uuid4

import redis

from engine.adapters.broker.redis_client import reaching_redis
from engine.adapters.broker.redis_heart import Heart
from engine.adapters.broker.redis_leases import STANDINGS
from engine.adapters.broker.redis_names import Names
from engine.adapters.broker.redis_scripts import DROP, FETCH, FIGURES, LEAVE, PUSH, RELEASE, REQUEUE
from engine.adapters.broker.redis_signals import announcement
from engine.adapters.broker.redis_talk import Command, Script, transact
from engine.adapters.broker.transport import CANCEL_SECONDS, EVERYWHERE
from engine.adapters.broker.wire import Envelope, Fetched, oldest, priority_of
from engine.app.figures import QueueFigures
from engine.errors import Unavailable

MOST = 1000
"""Messages per fetch; Lua's stack holds some thousand."""


class RedisTransport:
    """`Transport` over Redis 6.2 or later. In ms: how long a lease lasts, and how long a silent reader keeps its messages."""

    def __init__(self, client: redis.Redis, names: Names, *, lease_ms: int, dead_after: int) -> None:
        self.broker_id = uuid4().hex
        self._client = client
        self._names = names
        self._fetch = Script(client, FETCH)
        self._requeue = Script(client, REQUEUE)
        self._drop = Script(client, DROP)
        self._leave = Script(client, LEAVE)
        self._figures = Script(client, FIGURES)
        self._push = Script(client, PUSH)
        self._release = Script(client, RELEASE)
        self._lease_ms = lease_ms
        self._dead_after = dead_after
        self._heart = Heart(client, names.namespace, self.broker_id, dead_after=dead_after)
        self._reading = Lock()
        self._drained: set[str] = set()
        """Queues whose last fetch got less than there was room for: to wait at once saves looking in vain."""

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
        commands = list(self._send(publish))
        for queue, ids in (ack or {}).items():
            if ids:
                commands.append(("SREM", self._names.unacknowledged(self.broker_id, queue), *ids))
                commands.append(("HDEL", self._names.bodies(queue), *ids))
        if release:
            commands.append(self._release.whole(self._names.namespace, self.broker_id, *release))
        commands += [("SET", self._names.cancel(key), b"asked", "EX", CANCEL_SECONDS) for key in cancel]
        if changed:
            commands.append(announcement(self._client, self._names, changed))
        if commands:
            with reaching_redis():
                transact(self._client, commands)

    def fetch(self, queue: str, limit: int, timeout: float) -> Sequence[Fetched]:
        """Wait by moving the list's head to a list of this reader's own, so that one message wakes one reader.

        What puts it back and then takes is sent right behind it, and carried out the moment that Redis lets it go on.
        """
        self._beat()
        with reaching_redis():
            found = [] if timeout > 0 and queue in self._drained else self._take(queue, limit)
            self._drained.discard(queue)
            if not found and timeout > 0:
                asleep, woken = self._names.queue(queue), self._names.woken(self.broker_id, queue)
                found = self._take(queue, limit, behind=[("BLMOVE", asleep, woken, "LEFT", "LEFT", timeout)])
            if 0 < len(found) < min(limit, MOST):
                self._drained.add(queue)
            return found

    def requeue(self, queue: str, ids: Sequence[str]) -> None:
        """Put back what we hold of these."""
        with reaching_redis():
            for start in range(0, len(ids), MOST):
                self._requeue(self._names.namespace, self.broker_id, queue, *ids[start : start + MOST])

    def drop(self, queue: str, ids: Sequence[str]) -> None:
        """Bodies stay of those that went back meanwhile: others may have them, and may need them once more."""
        with reaching_redis():
            self._drop(self._names.namespace, self.broker_id, queue, *ids)

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
            now, readers, *found = self._figures(self._names.namespace, self._dead_after, *queues)
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
                    self._leave(self._names.namespace, self.broker_id)
            except Unavailable:
                pass  # then our messages come back when we count as dead
        self._client.close()

    def _send(self, envelopes: Sequence[Envelope]) -> Iterator[Command]:
        for queue, some in _by_queue(envelopes):
            bodies = [part for envelope in some for part in (envelope.id, envelope.data)]
            yield ("HSET", self._names.bodies(queue), *bodies)
            if queue not in EVERYWHERE:
                yield ("SADD", self._names.queues, queue)
            ranked = [envelope.id for envelope in some if priority_of(envelope.id)]
            if ranked:
                yield self._push.whole(self._names.namespace, queue, *ranked)
            if len(ranked) < len(some):
                yield (
                    "RPUSH",
                    self._names.queue(queue),
                    *(envelope.id for envelope in some if not priority_of(envelope.id)),
                )

    def _beat(self) -> None:
        with self._reading:
            self._heart.start_once()

    def _take(self, queue: str, limit: int, *, behind: Sequence[Command] = ()) -> list[Fetched]:
        wanted = (self.broker_id, queue, min(limit, MOST), self._lease_ms)
        flat = iter(self._fetch(self._names.namespace, *wanted, behind=behind))
        return [
            Fetched(name.decode(), data, None if code is None else STANDINGS[code])
            for name, data, code in zip(flat, flat, flat, strict=True)
        ]


def _by_queue(envelopes: Sequence[Envelope]) -> Iterator[tuple[str, Sequence[Envelope]]]:
    queues: dict[str, list[Envelope]] = defaultdict(list)
    for envelope in envelopes:
        queues[envelope.queue].append(envelope)
    yield from queues.items()


def _threads(readers: Sequence[bytes]) -> Mapping[str, Sequence[int]]:
    """The threads of each process that reads a queue, from what the processes say of themselves."""
    found: dict[str, list[int]] = defaultdict(list)
    for line in b"\n".join(readers).decode().split("\n"):
        queue, _, threads = line.rpartition(" ")
        if queue:
            found[queue].append(int(threads))
    return found
