"""One thread that speaks for all attempts of a task worker: renews leases, hears of cancellations, says what has started."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Event, Lock, Thread

import structlog

from engine.adapters.broker.held import Held
from engine.app.ports import Leases, Standing
from engine.app.records import Notification
from engine.core.events import TaskStarted, to_json
from engine.core.keys import split_path
from engine.errors import Unavailable
from engine.workers.attempts import Attempt, Attempts

TICK = 0.5
"""Seconds between two beats, and so until a cancellation is heard. A beat is one round trip."""

SURE = 1.5
"""Seconds after a beat for which a lease is believed to be ours. A process that was stopped for longer asks first."""

LONG = 1.0
"""Seconds after which an attempt is worth an event of its own."""

_log = structlog.get_logger(__name__)


class Heartbeat:
    """Beats while there are attempts. `announce` sends a notification, `drop` forgets a message, `crowded` hears every beat
    that some run long how many do.
    """

    def __init__(
        self,
        *,
        attempts: Attempts,
        leases: Leases,
        worker: str,
        announce: Callable[[Notification], None],
        drop: Callable[[Held], None],
        crowded: Callable[[int], None],
    ) -> None:
        self._attempts = attempts
        self._leases = leases
        self._worker = worker
        self._announce = announce
        self._drop = drop
        self._crowded = crowded
        self._renewed: frozenset[str] = frozenset()
        self._lost: list[Held] = []
        self._renewing = Lock()
        self._sure_until = 0.0
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End. Before the last outcomes are settled: renewing must not bring their leases back."""
        self._stopping.set()
        self._attempts.arrived.set()
        self._thread.join()
        self._renew(all_over=True)

    def beat(self) -> None:
        """Do once what has to be done for every attempt."""
        self._renew()
        now = time.monotonic()
        running = [
            attempt
            for attempt in self._attempts.snapshot()
            if attempt.started_at is not None and not (attempt.finished or attempt.abandoned)
        ]
        long = [attempt for attempt in running if attempt.started_at is not None and now - attempt.started_at > LONG]
        for attempt in long:
            if not attempt.announced and attempt.message.body["type"] == "RunTask":
                attempt.announced = True
                self._announce(self._started(attempt))
        if long:
            self._crowded(len(long))

    def ours(self, attempt: Attempt) -> bool:
        """Whether an attempt that has just ended still is this process' own: after a stop, somebody else may have taken it over."""
        if attempt.lease is not None and time.monotonic() > max(self._sure_until, attempt.leased_at + SURE):
            self._renew()
        return not attempt.abandoned

    def let_go(self, messages: Sequence[Held]) -> None:
        """Release the leases of what is given back, before others can fetch it. If that fails they run out by themselves.

        Never while leases are renewed: one that came back would have the next reader drop its message.
        """
        with self._renewing, suppress(Unavailable):
            leases = self._attempts.remove(messages)
            self._leases.release(leases)
            self._renewed = self._renewed.difference(leases)  # this process may be the next to fetch them

    def _run(self) -> None:
        while not self._stopping.is_set():
            if not (self._renewed or self._lost):
                self._attempts.arrived.wait()
            try:
                self.beat()
            except Exception:  # noqa: BLE001 - the loop goes on: leases must be kept up
                _log.exception("a heartbeat failed")
            self._stopping.wait(TICK)

    def _renew(self, *, all_over: bool = False) -> None:
        now = time.monotonic()
        attempts: dict[str, Attempt] = {}
        try:
            with self._renewing:
                if not all_over:
                    attempts = {one.lease: one for one in self._attempts.snapshot() if one.lease is not None}
                # Renewing creates leases anew, also one that was released in that very moment: what was renewed in the last
                # beat and is over now is released once more.
                self._leases.release([lease for lease in self._renewed if lease not in attempts])
                self._renewed = frozenset(attempts)
                for attempt in attempts.values():
                    attempt.leased = True
                for attempt, standing in zip(attempts.values(), self._leases.renew(list(attempts)), strict=True):
                    self._heed(attempt, standing)
                while self._lost:
                    # Who has taken over has a message of its own. This one would come back when that has long ended.
                    self._drop(self._lost[-1])
                    self._lost.pop()
        except Unavailable as error:
            _log.warning("leases cannot be renewed", leases=len(attempts), error=str(error))
        else:
            self._sure_until = now + SURE

    def _heed(self, attempt: Attempt, standing: Standing) -> None:
        if standing == "lost":
            _log.warning("somebody else has taken over", lease=attempt.lease)
            self._attempts.lose(attempt)
            self._lost.append(attempt.message)
        elif standing == "cancelled" and not attempt.stop.is_set():
            _log.info("asked to stop", lease=attempt.lease)
            attempt.stop.set()

    def _started(self, attempt: Attempt) -> Notification:
        command = attempt.message.body
        scope, task = split_path(command["path"])
        event = TaskStarted(task=task, attempt=command["attempt"], worker=self._worker)
        return Notification(instance=command["instance"], scope=scope, event=to_json(event))
