"""How much of one queue this process holds, and which of the fetched messages it wants."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from threading import Condition, Lock

from engine.adapters.broker.held import Held

Admit = Callable[[Sequence[Held]], Sequence[Held]]


def _everything(messages: Sequence[Held]) -> Sequence[Held]:
    return messages


def _nothing(_messages: Sequence[Held]) -> None:
    return None


class Intake:
    """Bounds a queue's prefetch by `window`: messages fetched and not `finished`.

    A message may be finished before it is settled: its outcome then only waits for its batch and takes no room.
    `admit` picks the messages to work on, the others are acknowledged and dropped; `giving_back` hears of messages that
    return to the queue, before they do. Thread-safe; `window` may be set at any time.
    """

    def __init__(
        self,
        *,
        window: int,
        admit: Admit = _everything,
        giving_back: Callable[[Sequence[Held]], None] = _nothing,
    ) -> None:
        self.window = window
        self.admit = admit
        self.giving_back = giving_back
        self._unfinished: set[str] = set()
        self._unsettled: set[str] = set()
        self._freed = Condition(Lock())
        self._closed = False

    def room(self, timeout: float) -> int:
        """How many messages may be fetched; waits up to `timeout` seconds for at least one. 0 once closed."""
        with self._freed:
            self._freed.wait_for(lambda: self._closed or self._room() > 0, timeout)
            return 0 if self._closed else max(0, self._room())

    def spare(self) -> int:
        """How many more messages fit right now, without waiting; 0 once closed."""
        with self._freed:
            return 0 if self._closed else max(0, self._room())

    @property
    def overfull(self) -> bool:
        """Whether more than twice the window are here: they were fetched when it was larger."""
        return len(self._unfinished) > 2 * self.window

    def took(self, messages: Sequence[Held]) -> None:
        """These were fetched and admitted."""
        ids = [message.message_id for message in messages]
        with self._freed:
            self._unfinished.update(ids)
            self._unsettled.update(ids)

    def finished(self, message: Held) -> None:
        """Its outcome is known."""
        with self._freed:
            self._unfinished.discard(message.message_id)
            self._freed.notify()

    def settled(self, ids: Collection[str]) -> None:
        """The broker has forgotten these, or has them back."""
        with self._freed:
            self._unfinished.difference_update(ids)
            self._unsettled.difference_update(ids)
            self._freed.notify()

    def unsettled(self) -> frozenset[str]:
        """Ids of all messages that are in this process."""
        with self._freed:
            return frozenset(self._unsettled)

    def close(self) -> None:
        """Fetch no more."""
        with self._freed:
            self._closed = True
            self._freed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether fetching has ended for good."""
        return self._closed

    def _room(self) -> int:
        return self.window - len(self._unfinished)
