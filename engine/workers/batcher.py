"""Takes notifications to their instances in batches: group commit, then commands and acknowledgements in one step.

Nobody waits for an instance that another worker is at work on: its events are put back and come with a later batch.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from threading import Thread
from typing import Protocol

import structlog

from engine.adapters.broker.connect import Broker
from engine.adapters.broker.held import Held
from engine.app.advance import Advanced
from engine.app.records import Message, Notification
from engine.errors import Broken, Malformed, Rejected
from engine.workers.attempts import Attempts
from engine.workers.entry import Entry
from engine.workers.failure import failure_instead
from engine.workers.inbox import Inbox
from engine.workers.patience import GivenUp, Patience

MOST = 256
"""Notifications in a batch."""

IDLE = 0.2
"""Seconds without a notification after which published outbox rows are deleted in a transaction of their own."""

PUT_BACK, PUT_BACK_AT_MOST = 0.005, 0.02
"""Seconds after which events are tried again whose instances others held; twice as long each time that nothing else was taken."""

HELD_AT_MOST = 1.0
"""Seconds for which events are put back. Then their instances are waited for: whoever waits gets it next."""

TRIES = 3
"""Of a single notification that fails with an error nobody foresaw."""

_log = structlog.get_logger(__name__)


class Advances(Protocol):
    """`engine.app.advance.Advancer`."""

    def advance(
        self,
        notifications: Sequence[Notification],
        published: Collection[str] = (),
        *,
        rows: Mapping[str, Collection[str]],
        skip_held: bool,
    ) -> Advanced: ...

    def delete(self, published: Collection[str]) -> Collection[str]: ...

    def reject(self, notification: Notification, error: Exception, attempts: int = 0) -> bool: ...


Hand = Callable[[Sequence[Message]], Sequence[Message]]


def _to_the_queue(messages: Sequence[Message]) -> Sequence[Message]:
    return messages


class Batcher:
    """One thread that feeds whatever has gathered to `advance`. A batch that fails is taken one by one.

    In a process that carries out commands too, `attempts` are theirs and `hand_over` may keep new commands here: it
    returns those that have to be published.
    """

    def __init__(self, broker: Broker, advancer: Advances, *, attempts: Attempts | None = None) -> None:
        self._broker = broker
        self._advancer = advancer
        self._attempts = attempts
        self.hand_over: Hand = _to_the_queue
        self._inbox: Inbox[Entry] = Inbox()
        self._put_back: list[Entry] = []
        self._put_back_since = float("inf")
        self._pause = PUT_BACK
        self._published: list[str] = []
        self._patience = Patience()
        self._thread = Thread(target=self._run, name="batcher", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def receive(self, message: Held) -> None:
        """Take what the queue brought with the next batch, which acknowledges it. Raises Malformed: no notification."""
        entry = Entry(notification=_notification(message), message=message)
        message.keep()
        self.add(entry)

    def add(self, entry: Entry) -> None:
        """Take it with the next batch."""
        self._inbox.put(entry)

    def stop(self, timeout: float) -> None:
        """Take the rest; what cannot be taken within `timeout` seconds comes back to another worker."""
        self._patience.end(timeout)
        self._inbox.close()
        self._thread.join(timeout + 1)

    def _run(self) -> None:
        try:
            while not self._inbox.closed:
                self._take(self._next())
            while batch := self._next():
                self._take(batch)
            self._take([])
        except GivenUp:
            _log.error("notifications given up, they come back")

    def _next(self) -> list[Entry]:
        """What has gathered, and before it what was put back."""
        if not self._put_back:
            self._put_back_since, self._pause = float("inf"), PUT_BACK
            return self._inbox.take(MOST, timeout=IDLE if self._published else None)
        time.sleep(self._pause)
        put_back, self._put_back = self._put_back, []
        return put_back + self._inbox.take(max(1, MOST - len(put_back)), timeout=0)

    def _take(self, batch: Sequence[Entry]) -> None:
        if batch:
            self._commit(batch)
        elif self._published:
            published = self._published
            self._published = self._delete(published)

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
        notifications = [entry.notification for entry in batch if entry.notification is not None]
        rows: defaultdict[str, list[str]] = defaultdict(list)
        for entry in batch:
            if entry.row is not None:
                (rows[entry.notification.instance] if entry.notification else self._published).append(entry.row)
        advanced = Advanced()
        if notifications:
            skip_held = not self._inbox.closed and time.monotonic() - self._put_back_since < HELD_AT_MOST
            published = self._published
            advanced = self._patience.insist(
                "taking notifications",
                lambda: self._advancer.advance(notifications, published, rows=rows, skip_held=skip_held),
            )
            self._published = []
            self._until_deleted(advanced.left, rows)
        self._settle(self._taken(batch, advanced.held), advanced)

    def _taken(self, batch: Sequence[Entry], held: Collection[str]) -> Sequence[Entry]:
        """Those that are over. What is of a held instance comes again."""
        if not held:
            return batch
        put_back = [entry for entry in batch if entry.notification and entry.notification.instance in held]
        self._put_back += put_back
        self._put_back_since = min(self._put_back_since, time.monotonic())
        self._pause = min(self._pause * 2, PUT_BACK_AT_MOST) if len(put_back) == len(batch) else PUT_BACK
        return [entry for entry in batch if entry.notification is None or entry.notification.instance not in held]

    def _until_deleted(self, left: Collection[str], rows: Mapping[str, Collection[str]]) -> None:
        """Keeps the leases of what was carried out here for as long as the relay is at its rows.

        It puts off what has a lease. Let go before, or left there, it would be sent and carried out once more.
        """
        own = {row for named in rows.values() for row in named}
        self._published += [row for row in left if row not in own]
        waiting: Collection[str] = [row for row in left if row in own]
        until = time.monotonic() + HELD_AT_MOST
        while waiting and time.monotonic() < until:
            time.sleep(PUT_BACK)
            waiting = self._delete(waiting)
        self._published += waiting

    def _delete(self, rows: Collection[str]) -> list[str]:
        """Returns those that the relay holds."""
        return list(self._patience.insist("deleting published rows", lambda: self._advancer.delete(rows)))

    def _settle(self, batch: Sequence[Entry], advanced: Advanced) -> None:
        messages = [entry.message for entry in batch if entry.message is not None]
        publish = self.hand_over(advanced.messages)
        self._patience.insist(
            "sending commands",
            lambda: self._broker.settle(
                publish=publish,
                ack=messages,
                release=[entry.lease for entry in batch if entry.lease is not None],
                changed=advanced.finished,
            ),
        )
        if self._attempts is not None:
            self._attempts.remove(messages)
        self._published += [message.id for message in publish if message.id is not None]

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
        self._reject(entry, error)

    def _reject(self, entry: Entry, error: Exception) -> None:
        notification = entry.notification
        if notification is None:
            raise error
        foreseen = isinstance(error, (Rejected, Broken))
        _log.error(
            "notification rejected",
            instance=notification.instance,
            error=repr(error),
            exc_info=None if foreseen else error,
        )
        attempts = entry.message.attempts if entry.message is not None else 0
        again = self._patience.insist("parking", lambda: self._advancer.reject(notification, error, attempts))
        if not again and not entry.instead and (failure := failure_instead(notification, error)):
            self._commit([replace(entry, notification=failure, instead=True)])
            return
        self._settle([entry], Advanced())
        self._published += [entry.row] if entry.row is not None else []


def _notification(message: Held) -> Notification:
    try:
        found = Notification(**message.body)
    except (TypeError, IndexError) as error:
        raise Malformed(f"not a notification: {error}") from None
    named = (found.instance, found.scope, found.event.get("type") if isinstance(found.event, dict) else None)
    if not all(isinstance(name, str) for name in named):
        raise Malformed("not a notification: it does not name an instance, a scope and an event")
    return found
