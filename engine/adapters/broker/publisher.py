"""The sending side of the queues as the use cases know it."""

from __future__ import annotations

from collections.abc import Sequence

from engine.adapters.broker.queue_broker import QueueBroker
from engine.adapters.broker.transport import Transport
from engine.app.records import Message


class QueuePublisher:
    """`Publisher` over whatever keeps the queues."""

    def __init__(self, broker: QueueBroker, transport: Transport) -> None:
        self._broker = broker
        self._transport = transport

    def publish(self, messages: Sequence[Message]) -> None:
        """In one round trip, in order. Raises Unavailable (sent or not, nobody knows), Malformed (nothing was sent)."""
        if messages:
            self._broker.settle(publish=messages)

    def generation(self) -> str:
        """The queues' marker."""
        return self._transport.generation()
