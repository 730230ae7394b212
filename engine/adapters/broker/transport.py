"""What Dramatiq's broker and our ports need of the thing that keeps the queues: Redis, or this process."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from engine.adapters.broker.wire import Envelope, Fetched
from engine.app.figures import QueueFigures
from engine.app.records import NOTIFICATIONS, TASKS

EVERYWHERE = frozenset({NOTIFICATIONS, TASKS})
"""Queues that need not be found."""

CANCEL_SECONDS = 3600
"""How long a request to stop waits for a holder."""


class Transport(Protocol):
    """Queues with acknowledgement. A fetched message stays with its reader until acked, requeued, or the reader is dead.

    Every method may raise Unavailable; then what was asked may or may not have happened.
    """

    def settle(
        self,
        *,
        publish: Sequence[Envelope] = (),
        ack: Mapping[str, Sequence[str]] | None = None,
        release: Sequence[str] = (),
        cancel: Sequence[str] = (),
        changed: Collection[str] = (),
    ) -> None:
        """All of it at once or not at all: send, acknowledge (queue to ids), release leases, signal ended instances.

        `cancel`: whoever holds these leases, or takes them within the hour, is asked to stop.
        """
        ...

    def fetch(self, queue: str, limit: int, timeout: float) -> Sequence[Fetched]:
        """Up to `limit` messages, oldest first; waits up to `timeout` seconds for the first.

        The leases of those that nobody is at work on are taken in the same step, each for that message: what is put
        back without having been renewed is free again.
        """
        ...

    def requeue(self, queue: str, ids: Sequence[str]) -> None:
        """Put back what this process fetched; ids it does not hold any more are left alone."""
        ...

    def drop(self, queue: str, ids: Sequence[str]) -> None:
        """Forget what this process fetched; ids it does not hold any more are left to whoever has them now."""
        ...

    def requeue_others(self, queue: str, mine: Collection[str]) -> None:
        """Put back whatever this process fetched without learning of it, because a reply was lost; `mine` is what it knows."""
        ...

    def queues(self) -> Collection[str]:
        """The names of the queues that something was sent to or read from, as far as it is known."""
        ...

    def reading(self, queue: str, threads: int) -> None:
        """This process reads a queue with so many threads from now on: for the figures."""
        ...

    def figures(self) -> Sequence[QueueFigures]:
        """What every queue holds, and who reads it, by name. Costs the same however much that is."""
        ...

    def generation(self) -> str:
        """A marker that stays the same as long as the queues keep their memory."""
        ...

    def ping(self) -> None:
        """Raises Unavailable."""
        ...

    def close(self) -> None:
        """Put back all that was fetched and let go of connections."""
        ...
