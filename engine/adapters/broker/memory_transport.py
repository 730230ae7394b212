"""Queues of a single process: for `headrace dev` and for tests. Nothing survives the process."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from threading import Condition, Lock
from uuid import uuid4

from engine.adapters.broker.memory_leases import MemoryLeases
from engine.adapters.broker.memory_signals import MemorySignals
from engine.adapters.broker.transport import EVERYWHERE
from engine.adapters.broker.wire import Envelope, Fetched, oldest, priority_of
from engine.app.figures import QueueFigures
from engine.app.ports import Standing


class _Queue:
    """Messages by id: those waiting, by priority and oldest first, and those fetched."""

    def __init__(self, lock: Lock, leases: MemoryLeases) -> None:
        self._leases = leases
        self.ready: dict[int, deque[Envelope]] = {}
        self.fetched: dict[str, Envelope] = {}
        self.readers: list[int] = []
        self.filled = Condition(lock)

    def put(self, envelope: Envelope) -> None:
        priority = priority_of(envelope.id)
        if priority not in self.ready:
            self.ready[priority] = deque()
        self.ready[priority].append(envelope)
        self.filled.notify()

    def take(self, limit: int) -> list[Fetched]:
        taken: list[Envelope] = []
        for priority in sorted(self.ready, reverse=True):
            level = self.ready[priority]
            taken += [level.popleft() for _ in range(min(limit - len(taken), len(level)))]
            if not level:
                del self.ready[priority]
        self.fetched.update((envelope.id, envelope) for envelope in taken)
        return [Fetched(envelope.id, envelope.data, self._lease(envelope)) for envelope in taken]

    def figures(self, name: str, now: int) -> QueueFigures:
        return QueueFigures(
            queue=name,
            waiting=sum(map(len, self.ready.values())),
            unacknowledged=len(self.fetched),
            oldest=oldest((level[0].id for level in self.ready.values()), now),
            workers=len(self.readers),
            threads=sum(self.readers),
        )

    def put_back(self, ids: Collection[str]) -> None:
        for one in ids:
            envelope = self.fetched.pop(one, None)
            if envelope is not None:
                if envelope.lease is not None:
                    self._leases.put_back(envelope.lease, one)
                self.put(envelope)

    def _lease(self, envelope: Envelope) -> Standing | None:
        return None if envelope.lease is None else self._leases.take(envelope.lease, envelope.id)


class MemoryTransport:
    """`Transport` over plain queues; readers sleep on a condition, so idling costs nothing."""

    def __init__(self, leases: MemoryLeases, signals: MemorySignals) -> None:
        self._leases = leases
        self._signals = signals
        self._generation = uuid4().hex
        self._lock = Lock()
        self._queues = {name: _Queue(self._lock, leases) for name in EVERYWHERE}

    def settle(
        self,
        *,
        publish: Sequence[Envelope] = (),
        ack: Mapping[str, Sequence[str]] | None = None,
        release: Sequence[str] = (),
        cancel: Sequence[str] = (),
        changed: Collection[str] = (),
    ) -> None:
        """Everything at once. Leases go first: who fetches a message now must find them free."""
        self._leases.release(release)
        self._leases.cancel(cancel)
        with self._lock:
            for queue, ids in (ack or {}).items():
                for one in ids:
                    self._queue(queue).fetched.pop(one, None)
            for envelope in publish:
                self._queue(envelope.queue).put(envelope)
        self._signals.changed(changed)

    def fetch(self, queue: str, limit: int, timeout: float) -> Sequence[Fetched]:
        """Up to `limit` messages; sleeps until there is one."""
        with self._lock:
            messages = self._queue(queue)
            messages.filled.wait_for(lambda: messages.ready, timeout)
            return messages.take(limit)

    def requeue(self, queue: str, ids: Sequence[str]) -> None:
        """Put back what is held of these."""
        with self._lock:
            self._queue(queue).put_back(ids)

    def drop(self, queue: str, ids: Sequence[str]) -> None:
        """As an acknowledgement does: all that is fetched is this process' own."""
        self.settle(ack={queue: ids})

    def requeue_others(self, queue: str, mine: Collection[str]) -> None:
        """Put back what was fetched and is not known."""
        with self._lock:
            messages = self._queue(queue)
            messages.put_back([one for one in messages.fetched if one not in mine])

    def queues(self) -> Collection[str]:
        """All there ever were."""
        with self._lock:
            return list(self._queues)

    def reading(self, queue: str, threads: int) -> None:
        """Until the process ends."""
        with self._lock:
            self._queue(queue).readers.append(threads)

    def figures(self) -> Sequence[QueueFigures]:
        """Of all there ever were."""
        now = time.time_ns() // 1_000_000
        with self._lock:
            return [queue.figures(name, now) for name, queue in sorted(self._queues.items())]

    def generation(self) -> str:
        """Drawn with the process."""
        return self._generation

    def ping(self) -> None:
        """Always there."""

    def close(self) -> None:
        """Put everything back; another broker of this process may still read it."""
        with self._lock:
            for messages in self._queues.values():
                messages.put_back(list(messages.fetched))

    def _queue(self, name: str) -> _Queue:
        queue = self._queues.get(name)
        if queue is None:
            queue = self._queues[name] = _Queue(self._lock, self._leases)
        return queue
