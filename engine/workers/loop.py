"""A use case run again and again in a thread: relay, scheduler and sync are nothing else."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

import structlog

from engine.errors import Unavailable

LONGEST = 30.0
"""Seconds between two tries of something that keeps failing."""

AWAY = 5.0
"""Seconds between two tries of something whose database or broker is away: who comes back finds work that has waited."""

_log = structlog.get_logger(__name__)


class Loop:
    """Calls `run_once`, then sleeps `pause` seconds; again at once if it returned a number above 0: there may be more.

    An error is logged and the loop goes on, with pauses that double up to half a minute, or a few seconds if it is Unavailable.
    """

    def __init__(self, name: str, run_once: Callable[[], object], *, pause: float = 1.0) -> None:
        self.name = name
        self._run_once = run_once
        self._pause = pause
        self._woken = Event()
        self._stopping = False
        self._thread = Thread(target=self.run, name=name, daemon=True)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def wake(self) -> None:
        """Look now rather than after the pause."""
        self._woken.set()

    def stop(self, timeout: float = 25.0) -> None:
        """End after the round that is under way; waits up to `timeout` seconds for it."""
        self._stopping = True
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def join(self) -> None:
        """Wait for the end."""
        self._thread.join()

    def run(self) -> None:
        """Go round until stopped."""
        failures, longest = 0, LONGEST
        while not self._stopping:
            self._woken.clear()
            more = False
            try:
                done = self._run_once()
                more = isinstance(done, int) and done > 0
                failures = 0
            except Unavailable as error:
                failures, longest = failures + 1, AWAY
                _log.warning("cannot work now", loop=self.name, failures=failures, error=str(error))
            except Exception:  # noqa: BLE001 - the loop goes on
                failures, longest = failures + 1, LONGEST
                _log.exception("a round failed", loop=self.name, failures=failures)
            if not more and not self._stopping:
                self._woken.wait(min(self._pause * 2 ** min(failures, 10), max(longest, self._pause)))
