"""Dramatiq's broker over a transport. Redis and the in-process queues differ in the transport and in nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import dramatiq
from dramatiq.errors import QueueNotFound

from engine.adapters.broker.consumer import QueueConsumer
from engine.adapters.broker.held import Held
from engine.adapters.broker.intake import Intake
from engine.adapters.broker.transport import Transport
from engine.adapters.broker.wire import seal, seal_dramatiq
from engine.app.records import Message
from engine.core.commands import cancelled_attempt

DEFAULT_WINDOW = 16
"""Prefetch of a queue that was declared without an intake."""


class QueueBroker(dramatiq.Broker):
    """No retries, delays, results or dead letters: the database keeps time and truth, messages are hints.

    Messages are written and read here rather than by Dramatiq's global encoder, so that nothing global is set.
    """

    def __init__(self, transport: Transport) -> None:
        super().__init__(middleware=[])
        self.queues: dict[str, Intake] = {}
        self._transport = transport

    def serve(self, queue: str, intake: Intake) -> None:
        """Declare a queue that this process reads in its own way. Raises ValueError if it is read already."""
        if queue in self.queues:
            raise ValueError(f"the queue {queue!r} is served already")
        self.queues[queue] = intake

    def declare_queue(self, queue_name: str) -> None:
        """Declare a queue; does nothing if it is known. There are no delay queues."""
        if queue_name not in self.queues:
            self.serve(queue_name, Intake(window=DEFAULT_WINDOW))

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 1000) -> QueueConsumer:  # noqa: ARG002
        """Read a queue. Its intake, not the worker's constant `prefetch`, bounds what is fetched; `timeout` in ms."""
        try:
            intake = self.queues[queue_name]
        except KeyError:
            raise QueueNotFound(queue_name) from None  # type: ignore[no-untyped-call]  # Dramatiq left it so
        return QueueConsumer(self._transport, queue_name, intake, timeout / 1000)

    def reading(self, queue: str, threads: int) -> None:
        """This process works on a queue with so many threads from now on: for those who look at the figures."""
        self._transport.reading(queue, threads)

    def enqueue(self, message: dramatiq.Message[Any], *, delay: int | None = None) -> dramatiq.Message[Any]:
        """Send a message that an actor built. Raises ValueError for a delay, which a broker could lose, and Unavailable."""
        if delay is not None:
            raise ValueError("no message is ever delayed in the broker: timers live in the database")
        self._transport.settle(publish=[seal_dramatiq(message)])
        return message

    def settle(
        self,
        *,
        publish: Sequence[Message] = (),
        ack: Sequence[Held] = (),
        release: Sequence[str] = (),
        changed: Collection[str] = (),
    ) -> None:
        """End a batch: send, acknowledge, release leases and signal ended instances, all at once or not at all.

        A CancelTask is no message but a note beside the lease: it must not wait in a queue behind what it is to stop.
        Raises Unavailable (it may or may not have happened: settle again, duplicates are harmless) and Malformed (a body
        is not JSON; nothing happened).
        """
        acks: dict[str, list[str]] = defaultdict(list)
        over: dict[str, list[str]] = defaultdict(list)
        for message in ack:
            over[message.queue_name].append(message.message_id)
            if message.queued:
                acks[message.queue_name].append(message.message_id)
        cancel = [attempt for message in publish if (attempt := cancelled_attempt(message.body))]
        self._transport.settle(
            publish=[seal(message) for message in publish if not cancelled_attempt(message.body)],
            ack=acks,
            release=release,
            cancel=cancel,
            changed=changed,
        )
        for queue, ids in over.items():
            if intake := self.queues.get(queue):
                intake.settled(ids)

    def drop(self, message: Held) -> None:
        """Forget a message that counts for nothing, as far as this process still holds it. Raises Unavailable."""
        if message.queued:
            self._transport.drop(message.queue_name, [message.message_id])
        if intake := self.queues.get(message.queue_name):
            intake.settled([message.message_id])

    def close(self) -> None:
        """Give back what is unacknowledged and let go of connections."""
        self._transport.close()
