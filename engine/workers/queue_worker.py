"""Dramatiq's worker without what we do not use (delay queues), with an end that gives waiting messages back first."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from queue import Empty, PriorityQueue
from threading import Thread
from typing import Any, NoReturn, cast

import dramatiq
from dramatiq.broker import MessageProxy
from dramatiq.middleware import CurrentMessage
from dramatiq.worker import WorkerThread

from engine.adapters.broker.held import Held
from engine.adapters.broker.queue_broker import QueueBroker


def current() -> Held:
    """The message that the calling actor was started for."""
    return cast("Held", CurrentMessage.get_current_message())


class QueueWorker(dramatiq.Worker):
    """Reads some queues of a broker with some threads. `idle` in seconds: how often a thread looks whether to stop.

    With none, a message is worked on by the thread that fetched it: for actors that only hand it on, which take no time.
    """

    def __init__(self, broker: QueueBroker, queues: Sequence[str], *, threads: int, idle: float) -> None:
        super().__init__(broker, queues=set(queues), worker_threads=threads, worker_timeout=int(idle * 1000))
        self._queue_broker = broker
        if not threads:
            self.work_queue = cast("PriorityQueue[Any]", _AtOnce(self))
        self._queues = tuple(queues)
        self._intakes = [broker.queues[queue] for queue in queues]

    def start(self) -> None:
        """Start threads and consumers. Dramatiq's own start listens for queues declared later; ours are all known."""
        self.broker.emit_before("worker_boot", self)
        for _ in range(self.worker_threads):
            self._add_worker()
        for queue in self._queues:
            self._read(queue)
        self.broker.emit_after("worker_boot", self)

    def add(self, queue: str) -> None:
        """Read one more queue, which the broker knows by now."""
        self._intakes.append(self.broker.queues[queue])
        self.consumer_whitelist = {*self.consumers, queue}
        self._read(queue)

    def end(self, timeout: float) -> bool:
        """Fetch no more, give back what waits, and let what runs finish; False if `timeout` seconds were not enough."""
        self.broker.emit_before("worker_shutdown", self)
        deadline = time.monotonic() + timeout
        for intake in self._intakes:
            intake.close()
        for consumer in self.consumers.values():
            consumer.stop()
        for worker in self.workers:
            worker.stop()
        _join(self.consumers.values(), deadline)
        for consumer in self.consumers.values():
            consumer.close()
        self.give_back_waiting()
        ended = _join(self.workers, deadline)
        self.broker.emit_after("worker_shutdown", self)
        return ended

    def wait(self, timeout: float) -> bool:
        """After `end`: wait on for what still runs."""
        return _join(self.workers, time.monotonic() + timeout)

    def give_back_waiting(self, may_go: Callable[[MessageProxy], bool] = lambda _: True) -> int:
        """Give back the messages that no thread has taken up, as far as they may go; returns how many went."""
        given: list[MessageProxy] = []
        kept = []
        with suppress(Empty):
            while True:
                item = self.work_queue.get_nowait()
                if may_go(item.message):
                    given.append(item.message)
                else:
                    kept.append(item)
                self.work_queue.task_done()
        for item in kept:
            self.work_queue.put(item)  # in its old place: an item knows when it came
        self.give_back(given)
        return len(given)

    def take_up(self, message: Held) -> None:
        """Work on a message that did not come through the queue."""
        self.consumers[message.queue_name].handle_message(message)

    def give_back(self, messages: Sequence[MessageProxy]) -> None:
        """Put messages back into their queues."""
        by_queue: dict[str, list[MessageProxy]] = defaultdict(list)
        for message in messages:
            by_queue[message.queue_name].append(message)
        for queue, some in by_queue.items():
            self.consumers[queue].requeue_messages(some)

    def _read(self, queue: str) -> None:
        self._add_consumer(queue)
        self._queue_broker.reading(queue, max(1, self.worker_threads))


class _AtOnce:
    """Stands in for the queue between consumers and threads: the thread that fetched a message works on it."""

    def __init__(self, worker: dramatiq.Worker) -> None:
        queue = cast("PriorityQueue[Any]", self)
        never_started = WorkerThread(
            broker=worker.broker, consumers=worker.consumers, work_queue=queue, worker_timeout=0
        )
        self._process = never_started.process_message

    def put(self, item: Any) -> None:
        """Work on it."""
        self._process(item.message)

    def get_nowait(self) -> NoReturn:
        """Nothing ever waits."""
        raise Empty

    def task_done(self) -> None:
        """Nobody counts."""


def _join(threads: Iterable[Thread], deadline: float) -> bool:
    ended = True
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
        ended = ended and not thread.is_alive()
    return ended
