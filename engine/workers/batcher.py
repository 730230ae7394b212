"""Takes notifications to their instances in batches: group commit, then commands and acknowledgements in one step."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from threading import Thread
from typing import Protocol

import structlog

from engine.adapters.broker.connect import Broker
from engine.adapters.broker.held import Held
from engine.app.advance import Advanced
from engine.app.records import Notification
from engine.errors import Broken, Malformed, Rejected
from engine.workers.inbox import Inbox
from engine.workers.patience import GivenUp, Patience

MOST = 256
"""Notifications in a batch."""

IDLE = 0.2
"""Seconds without a notification after which published outbox rows are deleted in a transaction of their own."""

TRIES = 3
"""Of a single notification that fails with an error nobody foresaw."""

_log = structlog.get_logger(__name__)


class Advances(Protocol):
    """`engine.app.advance.Advancer`."""

    def advance(self, notifications: Sequence[Notification], published: Collection[str] = ()) -> Advanced: ...

    def flush(self, published: Collection[str]) -> None: ...

    def reject(self, notification: Notification, error: Exception) -> None: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A notification and the message that brought it."""

    notification: Notification
    message: Held


class Batcher:
    """One thread that feeds whatever has gathered to `advance`. A batch that fails is taken one by one."""

    def __init__(self, broker: Broker, advancer: Advances) -> None:
        self._broker = broker
        self._advancer = advancer
        self._inbox: Inbox[Entry] = Inbox()
        self._published: list[str] = []
        self._patience = Patience()
        self._thread = Thread(target=self._run, name="batcher", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def add(self, message: Held) -> None:
        """Take it with the next batch, which acknowledges it. Raises Malformed if it is no notification."""
        entry = Entry(_notification(message), message)
        message.keep()
        self._inbox.put(entry)

    def stop(self, timeout: float) -> None:
        """Take the rest; what cannot be taken within `timeout` seconds comes back to another worker."""
        self._patience.end(timeout)
        self._inbox.close()
        self._thread.join(timeout + 1)

    def _run(self) -> None:
        try:
            while not self._inbox.closed:
                self._take(self._inbox.take(MOST, timeout=IDLE if self._published else None))
            while batch := self._inbox.take(MOST):
                self._take(batch)
            self._take([])
        except GivenUp:
            _log.error("notifications given up, they come back")

    def _take(self, batch: Sequence[Entry]) -> None:
        if batch:
            self._commit(batch)
        elif self._published:
            published, self._published = self._published, []
            self._patience.insist("deleting published rows", lambda: self._advancer.flush(published))

    def _commit(self, batch: Sequence[Entry]) -> None:
        try:
            self._advance(batch)
        except GivenUp:
            raise
        except Exception as error:  # noqa: BLE001 - one bad event must not hold up others, whatever is wrong with it
            if len(batch) == 1:
                self._single(batch[0], error)
                return
            _log.warning("batch failed, taken one by one", notifications=len(batch), error=repr(error))
            for entry in batch:
                self._commit([entry])

    def _advance(self, batch: Sequence[Entry]) -> None:
        notifications = [entry.notification for entry in batch]
        advanced = self._patience.insist(
            "taking notifications", lambda: self._advancer.advance(notifications, self._published)
        )
        self._published = []
        self._settle(batch, advanced)

    def _settle(self, batch: Sequence[Entry], advanced: Advanced) -> None:
        self._patience.insist(
            "sending commands",
            lambda: self._broker.settle(
                publish=advanced.messages, ack=[entry.message for entry in batch], changed=advanced.finished
            ),
        )
        self._published += [message.id for message in advanced.messages if message.id is not None]

    def _single(self, entry: Entry, error: Exception) -> None:
        """Try an unforeseen error again, then park the event: a loop would hold up everything behind it."""
        for tries in range(TRIES):
            if isinstance(error, (Rejected, Broken)):
                break
            self._patience.pause(tries)
            try:
                self._advance([entry])
            except GivenUp:
                raise
            except Exception as again:  # noqa: BLE001 - as above
                error = again
            else:
                return
        foreseen = isinstance(error, (Rejected, Broken))
        _log.error(
            "notification rejected",
            instance=entry.notification.instance,
            error=repr(error),
            exc_info=None if foreseen else error,
        )
        self._patience.insist("parking", lambda: self._advancer.reject(entry.notification, error))
        self._settle([entry], Advanced())


def _notification(message: Held) -> Notification:
    try:
        return Notification(**message.body)
    except (TypeError, IndexError) as error:
        raise Malformed(f"not a notification: {error}") from None
