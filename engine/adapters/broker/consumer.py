"""Dramatiq's consumer over a transport: fetches as much as the intake has room for, and survives outages by itself."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence

import structlog
from dramatiq.broker import Consumer, MessageProxy
from dramatiq.errors import ConnectionClosed

from engine.adapters.broker.held import Held
from engine.adapters.broker.intake import Intake
from engine.adapters.broker.transport import Transport
from engine.adapters.broker.wire import Fetched, unseal
from engine.errors import Malformed, Unavailable

LATE = 1.0
"""Seconds, beyond those that a fetch waits, after which its answer is as good as lost: this process was stopped meanwhile."""

RETRY = 0.5
"""Seconds between two tries to reach a broker that is down."""

_log = structlog.get_logger(__name__)


class QueueConsumer(Consumer):
    """Reads one queue for one Dramatiq worker. Used by the worker's consumer thread; `ack` and `requeue` by others too."""

    def __init__(self, transport: Transport, queue: str, intake: Intake, timeout: float) -> None:
        self._transport = transport
        self._queue = queue
        self._intake = intake
        self._timeout = timeout
        self._ready: deque[Held] = deque()
        self._adrift = False
        self._fresh = True

    def __next__(self) -> Held | None:
        """The next message, or None after a while without one: the worker then looks whether it should stop."""
        if not self._ready and not self._intake.closed:
            try:
                self._fill()
            except Unavailable as error:
                if not self._adrift:
                    _log.warning("broker unavailable, trying on", queue=self._queue, error=str(error))
                self._adrift = True
                time.sleep(RETRY)
        if self._ready and not self._intake.closed:
            return self._ready.popleft()
        if self._intake.closed:
            time.sleep(0.01)  # the worker ends this thread in a moment
        return None

    def ack(self, message: MessageProxy) -> None:
        """Acknowledge, unless somebody kept the message and will. Raises ConnectionClosed: Dramatiq then tries again."""
        if isinstance(message, Held) and message.kept:
            return
        try:
            self._drop([message.message_id])
        except Unavailable as error:
            raise ConnectionClosed(error) from error  # type: ignore[no-untyped-call]  # Dramatiq left it so

    def nack(self, message: MessageProxy) -> None:
        """Dramatiq knows no actor for it. Messages are hints: it is logged and dropped, never dead-lettered."""
        _log.error("message for an unknown actor dropped", queue=self._queue, actor=message.actor_name)
        self.ack(message)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Give messages back for others to take."""
        given = [message for message in messages if isinstance(message, Held)]
        if not given:
            return
        ids = [message.message_id for message in given]
        self._intake.giving_back(given)
        try:
            self._transport.requeue(self._queue, ids)
        except Unavailable as error:
            _log.warning("messages come back when this process counts as dead", queue=self._queue, error=str(error))
        self._intake.settled(ids)

    def close(self) -> None:
        """Give back what was fetched and not yet handed to the worker."""
        ready, self._ready = list(self._ready), deque()
        self.requeue(ready)

    def _fill(self) -> None:
        if self._fresh or self._adrift:  # after an outage, or a reader before this one that ended in the middle of it
            self._transport.requeue_others(self._queue, self._intake.unsettled())
        if self._adrift:
            _log.info("broker is back", queue=self._queue)
        self._fresh = self._adrift = False
        room = self._intake.room(self._timeout)
        if room <= 0:
            return
        since = time.monotonic()
        fetched = self._transport.fetch(self._queue, room, self._timeout)
        if fetched and time.monotonic() - since > self._timeout + LATE:
            # Others may have them by now, and the leases.
            self._transport.requeue_others(self._queue, self._intake.unsettled())
            return
        messages = self._read(fetched, since)
        if not messages:
            return
        admitted = self._intake.admit(messages)
        self._intake.took(admitted)
        self._ready.extend(admitted)
        if len(admitted) < len(messages):
            wanted = {message.message_id for message in admitted}
            self._drop([message.message_id for message in messages if message.message_id not in wanted])

    def _read(self, fetched: Sequence[Fetched], since: float) -> list[Held]:
        messages: list[Held] = []
        for name, data, standing in fetched:
            try:
                messages.append(Held(unseal(data), standing=standing, since=since))
            except Malformed as error:
                _log.error("message dropped", queue=self._queue, message=name, error=str(error))
                self._drop([name])
        return messages

    def _drop(self, ids: Sequence[str]) -> None:
        self._transport.settle(ack={self._queue: ids})
        self._intake.settled(ids)
