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
        self._filled = Event()
        self._consumers: dict[str, QueueConsumer] = {}
        self._running = True
        self._busy = 0

    def start(self) -> None:
        for _ in range(self._number):
            Thread(self._work, "worker").start()
        for queue in self._queues:
            self.add(queue)

    def add(self, queue: str) -> None:
        self._consumers[queue] = self._broker.consume(queue, timeout=int(IDLE * 1000))
        Thread(lambda: self._consume(queue), f"consumer of {queue}").start()

    def end(self, timeout: float) -> bool:
        self._running = False
        for queue in self._queues:
            self._broker.queues[queue].close()
        self._filled.set()
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
        self._filled.set()

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
        while self._running:
            if not self._waiting:
                self._filled.clear()
                self._filled.wait()
                continue
            message = self._waiting.popleft()
            self._busy += 1
            self._process(message)
            self._busy -= 1

    def _process(self, message: Held) -> None:
        call_actor(self._broker, message)
        self._consumers[message.queue_name].ack(message)
