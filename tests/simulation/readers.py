"""Dramatiq's worker without its threads: consumers and workers as tasks, with the ends and the give-backs of ours."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from engine.adapters.broker.consumer import QueueConsumer
from engine.adapters.broker.held import Held
from engine.adapters.broker.queue_broker import QueueBroker
from engine.workers.queue_worker import call_actor
from tests.simulation.kernel import SECOND, running
from tests.simulation.threads import Event, Thread

IDLE = 5.0
"""Seconds after which a reader looks whether it should stop."""


class QueueWorker:
    """Stands in for `engine.workers.queue_worker.QueueWorker`."""

    def __init__(self, broker: QueueBroker, queues: Sequence[str], *, threads: int, idle: float) -> None:  # noqa: ARG002 - as the port has it
        self._broker = broker
        self._queues = tuple(queues)
        self._number = threads
        self._waiting: deque[Held] = deque()
        self._threads = 0
        self._resting: deque[Event] = deque()
        """What the threads wait for that have nothing to do: a message is for one of them."""
        self._consumers: dict[str, QueueConsumer] = {}
        self._running = True
        self._busy = 0

    def start(self) -> None:
        for queue in self._queues:
            self.add(queue)

    def add(self, queue: str) -> None:
        self._consumers[queue] = self._broker.consume(queue, timeout=int(IDLE * 1000))
        Thread(lambda: self._consume(queue), f"consumer of {queue}").start()

    def end(self, timeout: float) -> bool:
        self._running = False
        for queue in self._queues:
            self._broker.queues[queue].close()
        while self._resting:
            self._resting.popleft().set()
        for consumer in self._consumers.values():
            consumer.close()
        self.give_back_waiting()
        return self.wait(timeout)

    def wait(self, timeout: float) -> bool:
        kernel = running()
        until = kernel.now + int(timeout * SECOND)
        while self._busy and kernel.now < until:
            kernel.sleep(SECOND // 20)
        return not self._busy

    def take_up(self, message: Held) -> None:
        self._waiting.append(message)
        if self._resting:
            self._resting.popleft().set()
        elif self._threads < self._number:  # that the others have been there before says nothing
            self._threads += 1
            Thread(self._work, "worker").start()

    def give_back_waiting(self, may_go: Callable[[Held], bool] = lambda _: True) -> int:
        given = [message for message in self._waiting if may_go(message)]
        self._waiting = deque(message for message in self._waiting if message not in given)
        self.give_back(given)
        return len(given)

    def give_back(self, messages: Sequence[Held]) -> None:
        for queue in dict.fromkeys(message.queue_name for message in messages):
            self._consumers[queue].requeue([message for message in messages if message.queue_name == queue])

    def _consume(self, queue: str) -> None:
        consumer = self._consumers[queue]
        while self._running:
            message = next(consumer)
            if message is not None and self._number:
                self.take_up(message)
            elif message is not None:
                self._process(message)

    def _work(self) -> None:
        called = Event()
        while self._running:
            if not self._waiting:
                called.clear()
                self._resting.append(called)
                called.wait()
                continue
            message = self._waiting.popleft()
            self._busy += 1
            self._process(message)
            self._busy -= 1

    def _process(self, message: Held) -> None:
        call_actor(self._broker, message)
        self._consumers[message.queue_name].ack(message)
