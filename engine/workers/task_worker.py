"""Carries out commands: leases them, performs them in threads, and sends what came of them in batches."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Collection, Sequence
from threading import Event
from typing import Protocol

import dramatiq
import structlog

from engine.adapters.broker.connect import Broker
from engine.adapters.broker.held import Held, came_by_queue
from engine.adapters.broker.intake import Intake
from engine.adapters.broker.wire import PERFORM
from engine.app.records import NOTIFICATIONS, TASKS, Message, Notification
from engine.core.values import JsonObject
from engine.errors import Newer
from engine.workers.admission import Admission
from engine.workers.attempts import Attempts
from engine.workers.entry import Entry, Outcomes
from engine.workers.failure import failure_of
from engine.workers.flusher import Flusher
from engine.workers.heartbeat import LONG, Heartbeat
from engine.workers.pace import Pace
from engine.workers.patience import Patience
from engine.workers.queue_worker import QueueWorker, current

FLUSH = 3.0
"""Seconds at the end of `stop` that are kept for giving back and sending."""

_log = structlog.get_logger(__name__)


class Performs(Protocol):
    """`engine.app.perform.Performer`."""

    def perform(self, command: JsonObject, stop: Event) -> Notification | None:
        """Carry out a command; setting `stop` ends it early."""
        ...

    def reject(self, message: Message, error: Exception) -> bool:
        """Put a command aside; returns whether it comes again."""
        ...


class TaskWorker:
    """Reads task queues with `threads` threads. Holds no lock and no connection while a task's own code runs.

    Outcomes go through the notification queue, unless `outcomes` takes them (and `attempts` off the list) itself.
    """

    def __init__(
        self,
        broker: Broker,
        performer: Performs,
        *,
        threads: int = 8,
        queues: Sequence[str] = (TASKS,),
        idle: float = 1.0,
        attempts: Attempts | None = None,
        outcomes: Outcomes | None = None,
    ) -> None:
        self._performer = performer
        self._threads = threads
        self._pace = Pace(threads)
        self._patience = Patience()
        self._attempts = attempts or Attempts()
        flusher = Flusher(broker, self._attempts)
        self._flusher = flusher if outcomes is None else None
        self._outcomes: Outcomes = flusher if outcomes is None else outcomes
        self._heartbeat = Heartbeat(
            attempts=self._attempts,
            leases=broker.leases,
            worker=f"{socket.gethostname()}:{os.getpid()}",
            announce=lambda notification: self._outcomes.add(Entry(notification=notification)),
            drop=broker.dramatiq.drop,
            crowded=self._relieve,
        )
        self._broker = broker.dramatiq
        self._admission = Admission(self._attempts)
        self.intakes = {queue: self._declare(queue) for queue in queues}
        """Of the queues that are read; more may come at any time."""
        dramatiq.actor(broker=broker.dramatiq, actor_name=PERFORM, queue_name=queues[0])(self._perform)
        self._worker = QueueWorker(broker.dramatiq, queues, threads=threads, idle=idle)
        self._stopped = Event()

    def start(self) -> None:
        """Begin to read."""
        if self._flusher is not None:
            self._flusher.start()
        self._heartbeat.start()
        self._worker.start()

    def stop(self, timeout: float = 25.0) -> None:
        """Fetch no more, give back what waits, let running tasks finish, send their outcomes.

        Tasks that take longer than `timeout` seconds are stopped and given back: another worker does them again, as the
        same attempt.
        """
        self._patience.end(max(0.0, timeout - FLUSH))
        self._worker.end(max(0.0, timeout - FLUSH))
        if messages := self._attempts.abandon():
            _log.warning("running tasks are given back", tasks=len(messages))
            self._worker.give_back(messages)
            self._worker.wait(1.0)  # scripts are being killed
        self._heartbeat.stop()
        if self._flusher is not None:
            self._flusher.stop(FLUSH)
        self._stopped.set()

    def join(self) -> None:
        """Wait until `stop` is through."""
        self._stopped.wait()

    def serve(self, queue: str) -> None:
        """Read one more queue from now on."""
        intake = self._declare(queue)
        self._worker.add(queue)
        self.intakes[queue] = intake  # now others may hand over what is for it

    def follow(self, queues: Collection[str]) -> None:
        """Read all these task queues."""
        for queue in sorted(set(queues) - {NOTIFICATIONS} - set(self.intakes)):
            _log.info("a task queue is read from now on", queue=queue)
            self.serve(queue)

    def take_up(self, message: Held) -> None:
        """Carry out a command that is registered with `attempts` and came here without its queue."""
        self._worker.take_up(message)

    def _declare(self, queue: str) -> Intake:
        intake = Intake(window=self._pace.window, admit=self._admission.admit, giving_back=self._heartbeat.let_go)
        self._broker.serve(queue, intake)
        return intake

    def _perform(self, command: JsonObject) -> None:
        message = current()
        message.keep()
        intake = self._broker.queues[message.queue_name]
        attempt = self._attempts.begin(message)
        if attempt is None:  # given back or lost a moment ago
            return
        started_at = time.monotonic()
        try:
            notification = self._performer.perform(command, attempt.stop)
        except Newer as error:
            notification = self._put_aside(message, error)
        except BaseException as error:  # noqa: BLE001 - sys.exit() in a task must not leave its instance waiting
            _log.exception("a command could not be carried out", command=command.get("type"))
            notification = failure_of(command, f"{type(error).__name__}: {error}")
        if self._heartbeat.ours(attempt) and self._attempts.finish(attempt):
            lease = attempt.lease if attempt.leased else None
            self._outcomes.add(Entry(notification=notification, message=message, lease=lease, row=attempt.row))
        self._pace.observe(time.monotonic() - started_at)
        intake.window = self._pace.window
        intake.finished(message)
        if intake.overfull and self._worker.give_back_waiting(came_by_queue):
            _log.debug("waiting commands given back, they take longer than those before", queue=message.queue_name)

    def _put_aside(self, message: Held, error: Newer) -> Notification | None:
        """A newer process may know the command; if none came in time, its instance hears that it failed."""
        kept = Message(queue=message.queue_name, body=message.body, attempts=message.attempts)
        again = self._patience.insist("putting a command aside", lambda: self._performer.reject(kept, error))
        return None if again else failure_of(message.body, str(error))

    def _relieve(self, long: int) -> None:
        """All threads are busy for long: what waits here is given to workers that idle."""
        if long < self._threads:
            return
        self._pace.slow(LONG)
        for intake in list(self.intakes.values()):
            intake.window = self._pace.window
        if given := self._worker.give_back_waiting():
            _log.info("waiting commands given back, all threads are busy", commands=given)
