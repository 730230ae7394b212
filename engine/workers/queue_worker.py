"""Dramatiq's worker without what we do not use (delay queues, middleware), with an end that gives waiting messages back first."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from contextvars import ContextVar
from queue import Empty, PriorityQueue, SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, NoReturn, cast

import dramatiq
import structlog
from dramatiq.broker import MessageProxy
from dramatiq.worker import ConsumerThread, WorkerThread

from engine.adapters.broker.held import Held
from engine.adapters.broker.queue_broker import QueueBroker

_log = structlog.get_logger(__name__)

_CURRENT: ContextVar[Held] = ContextVar("current message")


def current() -> Held:
    """The message that the calling actor was started for."""
    return _CURRENT.get()


def call_actor(broker: dramatiq.Broker, message: MessageProxy) -> None:
    """Have a message worked on. One that no actor is for is marked as failed; raises what the actor raises."""
    actor = broker.actors.get(message.actor_name)
    if actor is None:
        message.fail()
    else:
        _CURRENT.set(cast("Held", message))
        actor.fn(*message.args, **message.kwargs)


class QueueWorker(dramatiq.Worker):
    """Reads some queues of a broker with some threads. `idle` in seconds: how often a thread looks whether to stop.

    With none, a message is worked on by the thread that fetched it: for actors that only hand it on, which take no time.
    """

    def __init__(self, broker: QueueBroker, queues: Sequence[str], *, threads: int, idle: float) -> None:
        super().__init__(broker, queues=set(queues), worker_threads=threads, worker_timeout=int(idle * 1000))
        self._queue_broker = broker
        self._waiting = _Waiting() if threads else _AtOnce(self)
        self.work_queue = cast("PriorityQueue[Any]", self._waiting)
        self._queues = tuple(queues)
        self._intakes = [broker.queues[queue] for queue in queues]

    def start(self) -> None:
        """Start threads and consumers. Dramatiq's own start listens for queues declared later; ours are all known."""
        for _ in range(self.worker_threads):
            self._add_thread()
        for queue in self._queues:
            self._read(queue)

    def add(self, queue: str) -> None:
        """Read one more queue, which the broker knows by now."""
        self._intakes.append(self.broker.queues[queue])
        self._read(queue)

    def end(self, timeout: float) -> bool:
        """Fetch no more, give back what waits, and let what runs finish; False if `timeout` seconds were not enough."""
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
        return _join(self.workers, deadline)

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
            self.work_queue.put(item)  # behind what came meanwhile: no order is promised
        self.give_back(given)
        return len(given)

    def take_up(self, message: Held) -> None:
        """Work on a message that did not come through the queue."""
        self._waiting.put(_Item(message))

    def give_back(self, messages: Sequence[MessageProxy]) -> None:
        """Put messages back into their queues."""
        by_queue: dict[str, list[MessageProxy]] = defaultdict(list)
        for message in messages:
            by_queue[message.queue_name].append(message)
        for queue, some in by_queue.items():
            self.consumers[queue].requeue_messages(some)

    def _read(self, queue: str) -> None:
        self._queue_broker.reading(queue, max(1, self.worker_threads))
        consumer = self.consumers[queue] = _Reader(
            broker=self.broker,
            queue_name=queue,
            prefetch=self.queue_prefetch,
            work_queue=self.work_queue,
            worker_timeout=self.worker_timeout,
        )
        consumer.start()

    def _add_thread(self) -> None:
        thread = _Thread(
            broker=self.broker,
            consumers=self.consumers,
            work_queue=self.work_queue,
            worker_timeout=self.worker_timeout,
        )
        thread.start()
        self.workers.append(thread)


class _Item(NamedTuple):
    """What Dramatiq's threads expect in their queue."""

    message: MessageProxy


class _Reader(ConsumerThread):
    """Hands every message on as it is: none is ever delayed, and all have the same priority once they are here."""

    def handle_message(self, message: MessageProxy) -> None:
        self.work_queue.put(_Item(message))  # type: ignore[arg-type]  # a `_Waiting`, or `_AtOnce`

    def handle_delayed_messages(self) -> None:
        """There are none."""


class _Thread(WorkerThread):
    """Calls the actor and nothing around it: Dramatiq's signals and log lines of each step took as long as the rest."""

    def process_message(self, message: MessageProxy) -> None:
        try:
            call_actor(self.broker, message)
        except BaseException:  # noqa: BLE001 - a thread outlives its messages
            _log.exception("a message could not be worked on", message=message.message_id)
        if not cast("Held", message).kept:
            self.consumers[message.queue_name].post_process_message(message)


class _Waiting(SimpleQueue[_Item]):
    """Between consumers and threads: first come, first served, which needs no heap and no lock of Python's."""

    def task_done(self) -> None:
        """Nobody counts."""


class _AtOnce:
    """Stands in for the queue between consumers and threads: the thread that fetched a message works on it."""

    def __init__(self, worker: dramatiq.Worker) -> None:
        queue = cast("PriorityQueue[Any]", self)
        never_started = _Thread(broker=worker.broker, consumers=worker.consumers, work_queue=queue, worker_timeout=0)
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
