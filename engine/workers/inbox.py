"""Between many threads that bring and one that takes in batches: whatever has gathered, without a timer."""

from __future__ import annotations

from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Inbox(Generic[Item]):
    """A queue whose reader gets everything that has gathered. Idle batches are of one, busy ones fill by themselves."""

    def __init__(self) -> None:
        self._items: SimpleQueue[Item | None] = SimpleQueue()
        self.closed = False

    def put(self, item: Item) -> None:
        """Bring one."""
        self._items.put(item)

    def close(self) -> None:
        """No more will come: the reader gets the rest and then sees `closed`."""
        self._items.put(None)

    def take(self, limit: int, timeout: float | None = None) -> list[Item]:
        """Wait for the first, take up to `limit`. Empty after `timeout` seconds, and once closed and drained."""
        batch: list[Item] = []
        try:
            item = self._items.get(timeout=timeout) if not self.closed else self._items.get_nowait()
            while True:
                if item is None:
                    self.closed = True
                else:
                    batch.append(item)
                if len(batch) >= limit:
                    return batch
                item = self._items.get_nowait()
        except Empty:
            return batch
