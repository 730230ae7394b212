"""Armed inside a process: all it sends to the queues is sent twice, in any order."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from uuid_utils import uuid7

from engine.adapters.broker.redis_talk import Command
from engine.adapters.broker.redis_transport import RedisTransport
from engine.adapters.broker.wire import Envelope, priority_of


def arm() -> None:
    """Half of the doubles have an id of their own, as a second sending has, half the same, as a repeated command has."""
    send = RedisTransport._send

    def twice(self: RedisTransport, envelopes: Sequence[Envelope]) -> Iterator[Command]:
        doubled = [*envelopes, *(_again(envelope) for envelope in envelopes)]
        random.shuffle(doubled)
        for envelope in doubled:
            yield from send(self, [envelope])

    RedisTransport._send = twice  # type: ignore[method-assign]


def _again(envelope: Envelope) -> Envelope:
    if random.random() < 0.5 or priority_of(envelope.id):
        return envelope
    again = str(uuid7())
    return envelope._replace(id=again, data=envelope.data.replace(envelope.id.encode(), again.encode()))
