"""The commands a task worker holds: fetched, running, or done and waiting for their batch."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock

from engine.adapters.broker.held import Held


@dataclass(slots=True, eq=False, kw_only=True)
class Attempt:
    """One command in this process. Times are monotonic, in seconds. `stop` asks whoever runs it to end early."""

    message: Held
    lease: str | None
    leased: bool = True
    """Whether the lease was taken, or renewed, so that it has to be released."""
    row: str | None = None
    """The command's outbox row, if it came here without a queue."""
    leased_at: float = field(default_factory=time.monotonic)
    started_at: float | None = None
    announced: bool = False
    finished: bool = False
    abandoned: bool = False
    stop: Event = field(default_factory=Event)


class Attempts:
    """All attempts of a process, by message. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._attempts: dict[str, Attempt] = {}
        self.arrived = Event()
        """Set while there are any."""

    def add(self, attempts: Collection[Attempt]) -> None:
        """These were fetched, and leased where they have to be."""
        with self._lock:
            self._attempts.update((attempt.message.message_id, attempt) for attempt in attempts)
            if self._attempts:
                self.arrived.set()

    def begin(self, message: Held) -> Attempt | None:
        """A thread takes it up; None if it is not held any more."""
        attempt = self._attempts.get(message.message_id)
        if attempt is not None:
            attempt.started_at = time.monotonic()
        return attempt

    def finish(self, attempt: Attempt) -> bool:
        """Its outcome is known; False if the attempt was abandoned meanwhile, and the outcome is nobody's business."""
        with self._lock:
            attempt.finished = not attempt.abandoned
            return attempt.finished

    def abandon(self) -> Sequence[Held]:
        """Stop whatever still runs and ignore how it ends; returns the messages, for another worker to do it again."""
        with self._lock:
            running = [attempt for attempt in self._attempts.values() if not attempt.finished]
            for attempt in running:
                attempt.abandoned = True
                attempt.stop.set()
            return [attempt.message for attempt in running]

    def lose(self, attempt: Attempt) -> None:
        """Somebody else is at work on it: stop, and ignore how it ends."""
        with self._lock:
            attempt.abandoned = True
            attempt.stop.set()
            self._pop(attempt.message)

    def remove(self, messages: Collection[Held]) -> Sequence[str]:
        """They are settled or given back; returns their leases."""
        with self._lock:
            gone = [self._pop(message) for message in messages]
        return [attempt.lease for attempt in gone if attempt is not None and attempt.lease is not None]

    def snapshot(self) -> Sequence[Attempt]:
        """All of them now."""
        with self._lock:
            return list(self._attempts.values())

    def _pop(self, message: Held) -> Attempt | None:
        """With the lock held. After the last one there is nothing left to beat for."""
        gone = self._attempts.pop(message.message_id, None)
        if not self._attempts:
            self.arrived.clear()
        return gone
