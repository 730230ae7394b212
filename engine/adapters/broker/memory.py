"""Queues, leases and signals of a single process: for `headrace dev` and for tests. Nothing survives the process."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from threading import Condition, Lock
from uuid import uuid4

from engine.adapters.broker.redis_leases import CANCEL_SECONDS
from engine.adapters.broker.waiting import Waiting
from engine.adapters.broker.wire import Envelope


class MemoryLeases:
    """`Leases` in a dictionary, running out by the monotonic clock."""

    def __init__(self, *, ms: int) -> None:
        self._seconds = ms / 1000
        self._lock = Lock()
        self._until: dict[str, float] = {}
        self._cancelled: dict[str, float] = {}

    def take(self, keys: Sequence[str]) -> Sequence[bool]:
        """Each that nobody holds."""
        now = time.monotonic()
        with self._lock:
            return [self._take(key, now) for key in keys]

    def renew(self, keys: Sequence[str]) -> Sequence[str]:
        """Renew or re-create; returns those to stop."""
        now = time.monotonic()
        with self._lock:
            self._until.update(dict.fromkeys(keys, now + self._seconds))
            return [key for key in keys if self._cancelled.get(key, now) > now]

    def release(self, keys: Sequence[str]) -> None:
        """Let go."""
        with self._lock:
            for key in keys:
                self._until.pop(key, None)

    def held(self, keys: Sequence[str]) -> Sequence[bool]:
        """Whether somebody is at work."""
        now = time.monotonic()
        with self._lock:
            return [self._until.get(key, now) > now for key in keys]

    def cancel(self, keys: Sequence[str]) -> None:
        """Ask the holders to stop."""
        now = time.monotonic()
        with self._lock:
            self._cancelled = {key: until for key, until in self._cancelled.items() if until > now}
            self._cancelled.update(dict.fromkeys(keys, now + CANCEL_SECONDS))

    def _take(self, key: str, now: float) -> bool:
        if self._until.get(key, now) > now:
            return False
        self._until[key] = now + self._seconds
        return True


class MemorySignals:
    """`Signals` between threads."""

    def __init__(self) -> None:
        self._waiting = Waiting()

    def changed(self, instances: Collection[str]) -> None:
        """Wake who waits for these."""
        self._waiting.wake(instances)

    def wait(self, instance: str, timeout: float) -> bool:
        """Block for a hint."""
        return self._waiting.wait(instance, timeout)

    def close(self) -> None:
        """Wake everybody."""
        self._waiting.wake_all()


class _Queue:
    """Messages by id: those waiting, oldest first, and those fetched."""

    def __init__(self, lock: Lock) -> None:
        self.ready: deque[tuple[str, bytes]] = deque()
        self.fetched: dict[str, bytes] = {}
        self.filled = Condition(lock)

    def put(self, id: str, data: bytes) -> None:
        self.ready.append((id, data))
        self.filled.notify()

    def put_back(self, ids: Collection[str]) -> None:
        for one in ids:
            data = self.fetched.pop(one, None)
            if data is not None:
                self.put(one, data)


class MemoryTransport:
    """`Transport` over plain queues; readers sleep on a condition, so idling costs nothing."""

    def __init__(self, leases: MemoryLeases, signals: MemorySignals) -> None:
        self._leases = leases
        self._signals = signals
        self._generation = uuid4().hex
        self._lock = Lock()
        self._queues: dict[str, _Queue] = {}

    def settle(
        self,
        *,
        publish: Sequence[Envelope] = (),
        ack: Mapping[str, Sequence[str]] | None = None,
        release: Sequence[str] = (),
        changed: Collection[str] = (),
    ) -> None:
        """Everything at once. Leases go first: who fetches a message now must find them free."""
        self._leases.release(release)
        with self._lock:
            for queue, ids in (ack or {}).items():
                for one in ids:
                    self._queue(queue).fetched.pop(one, None)
            for envelope in publish:
                self._queue(envelope.queue).put(envelope.id, envelope.data)
        self._signals.changed(changed)

    def fetch(self, queue: str, limit: int, timeout: float) -> Sequence[tuple[str, bytes]]:
        """Up to `limit` messages; sleeps until there is one."""
        with self._lock:
            messages = self._queue(queue)
            messages.filled.wait_for(lambda: messages.ready, timeout)
            taken = [messages.ready.popleft() for _ in range(min(limit, len(messages.ready)))]
            messages.fetched.update(taken)
            return taken

    def requeue(self, queue: str, ids: Sequence[str]) -> None:
        """Put back what is held of these."""
        with self._lock:
            self._queue(queue).put_back(ids)

    def requeue_others(self, queue: str, mine: Collection[str]) -> None:
        """Put back what was fetched and is not known."""
        with self._lock:
            messages = self._queue(queue)
            messages.put_back([one for one in messages.fetched if one not in mine])

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
            queue = self._queues[name] = _Queue(self._lock)
        return queue
