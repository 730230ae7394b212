"""Sends what came of commands: outcomes, acknowledgements and leases of all that has gathered, in one step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from threading import Thread

import structlog

from engine.adapters.broker.connect import Broker
from engine.app.records import NOTIFICATIONS, Message, Notification
from engine.errors import Malformed
from engine.workers.attempts import Attempts
from engine.workers.entry import Entry
from engine.workers.failure import failure_of
from engine.workers.inbox import Inbox
from engine.workers.patience import GivenUp, Patience

MOST = 256
"""Outcomes in a batch."""

_log = structlog.get_logger(__name__)


class Flusher:
    """One thread that settles outcomes in batches. An outage loses none: they wait, and their leases are kept up."""

    def __init__(self, broker: Broker, attempts: Attempts) -> None:
        self._broker = broker
        self._attempts = attempts
        self._inbox: Inbox[Entry] = Inbox()
        self._patience = Patience()
        self._thread = Thread(target=self._run, name="flusher", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def add(self, entry: Entry) -> None:
        """Send it with the next batch."""
        self._inbox.put(entry)

    def stop(self, timeout: float) -> None:
        """Send the rest; what cannot be sent within `timeout` seconds is done again by another worker."""
        self._patience.end(timeout)
        self._inbox.close()
        self._thread.join(timeout + 1)

    def _run(self) -> None:
        try:
            while not self._inbox.closed:
                self._flush(self._inbox.take(MOST))
            while batch := self._inbox.take(MOST):
                self._flush(batch)
        except GivenUp:
            _log.error("outcomes given up, their commands come back")

    def _flush(self, batch: Sequence[Entry]) -> None:
        messages = [entry.message for entry in batch if entry.message is not None]
        try:
            self._patience.insist(
                "sending outcomes",
                lambda: self._broker.settle(
                    publish=[_message(entry.notification) for entry in batch if entry.notification is not None],
                    ack=messages,
                    release=[entry.lease for entry in batch if entry.lease is not None],
                ),
            )
        except Malformed as error:
            self._one_by_one(batch, error)
        else:
            self._attempts.remove(messages)

    def _one_by_one(self, batch: Sequence[Entry], error: Malformed) -> None:
        if len(batch) > 1:
            for entry in batch:
                self._flush([entry])
            return
        (entry,) = batch
        _log.error("an outcome cannot be sent", error=str(error))
        if entry.message is not None:
            instead = failure_of(entry.message.body, f"the outcome cannot be sent: {error}")
            self._flush([replace(entry, notification=instead)])


def _message(notification: Notification) -> Message:
    body = {"instance": notification.instance, "scope": notification.scope, "event": notification.event}
    return Message(queue=NOTIFICATIONS, body=body)
