"""Both queues in one process: a command and its outcome need no broker in between."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

from engine.adapters.broker.connect import Broker
from engine.app.records import TASKS
from engine.workers.attempts import Attempts
from engine.workers.batcher import Advances, Batcher
from engine.workers.handover import Handover
from engine.workers.loop import Loop
from engine.workers.notification_worker import NotificationWorker
from engine.workers.task_worker import Performs, TaskWorker


class GoesOn(Advances, Protocol):
    """`engine.app.advance.Advancer`."""

    def go_on(self) -> None: ...


class CombinedWorker:
    """A task worker and a notification worker that hand each other their work in memory, and share it through the queues.

    `follow`: it also reads every task queue that something is sent to.
    """

    def __init__(
        self,
        broker: Broker,
        performer: Performs,
        advancer: GoesOn,
        *,
        threads: int = 8,
        queues: Sequence[str] = (TASKS,),
        follow: bool = False,
        idle: float = 1.0,
    ) -> None:
        advancer.go_on()
        attempts = Attempts()
        batcher = Batcher(broker, advancer, attempts=attempts)
        self._tasks = TaskWorker(
            broker, performer, threads=threads, queues=queues, idle=idle, attempts=attempts, outcomes=batcher
        )
        batcher.hand_over = Handover(self._tasks.intakes, attempts, self._tasks.take_up)
        self._follower = Loop("queues", lambda: self._tasks.follow(broker.queues()), pause=idle) if follow else None
        self._notifications = NotificationWorker(broker, advancer, idle=idle, batcher=batcher)

    def start(self) -> None:
        """Begin to read: commands first, for the notifications' batches hand them over."""
        self._tasks.start()
        self._notifications.start()
        if self._follower is not None:
            self._follower.start()

    def stop(self, timeout: float = 25.0) -> None:
        """Stop the tasks, then commit what came of them; see both workers."""
        deadline = time.monotonic() + timeout
        if self._follower is not None:
            self._follower.stop(2.0)
        self._tasks.stop(timeout - 5)
        self._notifications.stop(max(2.0, deadline - time.monotonic()))

    def join(self) -> None:
        """Wait until `stop` is through."""
        self._tasks.join()
        self._notifications.join()
