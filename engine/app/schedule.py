"""One round of the scheduler: lead or wait, due timers, recovery, retention. Many run, one leads."""

from __future__ import annotations

from typing import Protocol

import structlog

from engine.app.ports import Recovery
from engine.errors import Unavailable

LEASE = 10_000
"""Milliseconds of database time for which a leader leads without a word."""

RECOVER_EVERY = 2_000
PRUNE_EVERY = 60_000
DAY = 24 * 60 * 60 * 1000

_log = structlog.get_logger(__name__)


class Round(Protocol):
    """Something the leader does again and again."""

    def run_once(self) -> int:
        """Do what is there to do; returns how much it was."""
        ...


class Scheduler:
    """What only one process at a time may do."""

    def __init__(
        self, *, recovery: Recovery, timers: Round, recoverer: Round, holder: str, retention_days: int
    ) -> None:
        self._recovery = recovery
        self._timers = timers
        self._recoverer = recoverer
        self._holder = holder
        self._retention = retention_days * DAY
        self._recover_at = 0
        self._prune_at = 0

    def run_once(self) -> int:
        """One round; returns how many timers, messages and deliveries were taken, 0 when there was nothing (or no lead)."""
        if not self._recovery.lead(self._holder, LEASE):
            return 0
        now = self._recovery.now()
        done = self._timers.run_once()
        if now >= self._recover_at:
            self._recover_at = now + RECOVER_EVERY
            done += self._recover()
        if now >= self._prune_at:
            self._prune_at = now + PRUNE_EVERY
            self._recovery.prune(finished_before=now - self._retention, limit=500)
        return done

    def close(self) -> None:
        """Let another one lead at once."""
        self._recovery.resign(self._holder)

    def _recover(self) -> int:
        try:
            return self._recoverer.run_once()
        except Unavailable as error:
            _log.warning("recovery waits", error=str(error))
            return 0
