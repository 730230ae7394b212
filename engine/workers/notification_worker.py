"""Reads the notification queue: Dramatiq's one actor hands every event to the batcher and returns."""

from __future__ import annotations

from threading import Event

import dramatiq
import structlog

from engine.adapters.broker.connect import Broker
from engine.adapters.broker.intake import Intake
from engine.adapters.broker.wire import NOTIFY
from engine.app.records import NOTIFICATIONS
from engine.core.values import JsonObject
from engine.errors import Malformed
from engine.workers.batcher import Advances, Batcher
from engine.workers.queue_worker import QueueWorker, current

WINDOW = 512
"""Notifications in this process: a batch on its way and one that gathers meanwhile."""

_log = structlog.get_logger(__name__)


class NotificationWorker:
    """Takes events to their instances. Needs no threads for messages: the work is done by the batcher's."""

    def __init__(
        self, broker: Broker, advancer: Advances, *, idle: float = 1.0, batcher: Batcher | None = None
    ) -> None:
        self._batcher = batcher or Batcher(broker, advancer)
        broker.dramatiq.serve(NOTIFICATIONS, Intake(window=WINDOW))
        dramatiq.actor(broker=broker.dramatiq, actor_name=NOTIFY, queue_name=NOTIFICATIONS)(self._notify)
        self._worker = QueueWorker(broker.dramatiq, [NOTIFICATIONS], threads=0, idle=idle)
        self._stopped = Event()

    def start(self) -> None:
        """Begin to read."""
        self._batcher.start()
        self._worker.start()

    def stop(self, timeout: float = 25.0) -> None:
        """Fetch no more, commit and acknowledge what the batcher has, give back the rest."""
        self._worker.end(timeout / 2)
        self._batcher.stop(timeout / 2)
        self._stopped.set()

    def join(self) -> None:
        """Wait until `stop` is through."""
        self._stopped.wait()

    def _notify(self, _notification: JsonObject) -> None:
        message = current()
        try:
            self._batcher.receive(message)
        except Malformed as error:
            _log.error("message dropped", message=message.message_id, error=str(error))
