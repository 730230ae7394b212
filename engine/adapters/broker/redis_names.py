"""Names of everything we keep in Redis. The queues have Dramatiq's own layout, so its tools can read them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Names:
    """Keys below one namespace."""

    namespace: str

    @property
    def heartbeats(self) -> str:
        """Sorted set: broker id by the server's time, in ms, of its last sign of life."""
        return f"{self.namespace}:__heartbeats__"

    @property
    def readers(self) -> str:
        """Hash: broker id to the queues it reads, each with its number of threads: `QUEUE THREADS`, one a line."""
        return f"{self.namespace}:__readers__"

    @property
    def generation(self) -> str:
        """String: drawn when the keys came to be."""
        return f"{self.namespace}:__generation__"

    def queue(self, queue: str) -> str:
        """List of message ids of priority 0, oldest first; of others as well, for readers to wake by."""
        return f"{self.namespace}:{queue}"

    def bodies(self, queue: str) -> str:
        """Hash: message id to message."""
        return f"{self.namespace}:{queue}.msgs"

    @property
    def queues(self) -> str:
        """Set: names of queues that are in use."""
        return f"{self.namespace}:__queues__"

    def levels(self, queue: str) -> str:
        """Sorted set: the priorities other than 0 that messages wait with, highest first; a list `QUEUE.pN` for each."""
        return f"{self.namespace}:{queue}.levels"

    def unacknowledged(self, broker: str, queue: str) -> str:
        """Set of ids that a broker fetched and has not acknowledged."""
        return f"{self.namespace}:__acks__.{broker}.{queue}"

    def woken(self, broker: str, queue: str) -> str:
        """List: the id that woke a broker that slept on an empty queue, until it has fetched."""
        return f"{self.namespace}:__woken__.{broker}.{queue}"

    def lease(self, key: str) -> str:
        """String: who is at work on this."""
        return f"{self.namespace}:lease:{key}"

    def cancel(self, key: str) -> str:
        """String: somebody wants the holder of this lease to stop."""
        return f"{self.namespace}:cancel:{key}"

    def changed(self, database: int) -> str:
        """Channel: ids of ended instances, one a line. Channels span databases, hence the number."""
        return f"{self.namespace}:{database}:changed"
