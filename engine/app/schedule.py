"""One round of the scheduler: lead or wait, due timers, recovery, retention. Many run, one leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog

from engine.app.ports import Recovery
from engine.app.trigger_ports import Look
from engine.errors import Unavailable

LEASE = 10_000
"""Milliseconds of database time for which a leader leads without a word."""

LEAD = 2_000
"""Milliseconds between two writes that say who leads."""

RECOVER = 2_000
START = 5_000
"""Milliseconds between two looks for what begins instances where no glance shows anything: schedules may have come or gone."""

PRUNE = 60_000
"""Milliseconds between two looks for what is old; while there is some, a batch of it goes in every round."""

_log = structlog.get_logger(__name__)


class Round(Protocol):
    """Something the leader does again and again."""

    def run_once(self) -> int:
        """Do what is there to do; returns how much it was."""
        ...


class Scheduler:
    """What only one process at a time may do."""

    def __init__(
        self,
        *,
        recovery: Recovery,
        timers: Round,
        recoverer: Round,
        holder: str,
        prunes: Sequence[Round] = (),
        starts: Mapping[str, Round] | None = None,
    ) -> None:
        """`prunes`: what throws away; `starts`: what else begins instances, by the field of `Look` that tells of it."""
        self._recovery = recovery
        self._timers = timers
        self._recoverer = recoverer
        self._holder = holder
        self._prunes = prunes
        self._starts = {name: (one, _Every(START)) for name, one in (starts or {}).items()}
        self._failing: set[str] = set()
        """Of `starts`: for these a glance is no reason to try again, it shows the same for as long as they fail."""
        self._leads = False
        self._leading, self._recovering, self._pruning = _Every(LEAD), _Every(RECOVER), _Every(PRUNE)

    def run_once(self) -> int:
        """One round; returns how many timers, messages and deliveries were taken, 0 when there was nothing (or no lead)."""
        look = self._recovery.look()
        now = look.now
        if self._leading.due(now):
            self._leads = self._recovery.lead(self._holder, LEASE)
        if not self._leads:
            return 0
        done = self._timers.run_once() if look.timers else 0
        if self._recovering.due(now):
            done += self._recoverer.run_once()
        if self._pruning.due(now):
            self._prune()
        return done + sum(self._start(name, look) for name in self._starts)

    def _prune(self) -> None:
        """Files may be out of reach, or a lock be held for long, which must keep no timer from being noticed."""
        for one in self._prunes:
            try:
                if one.run_once():
                    self._pruning.again()
            except Unavailable as error:
                _log.warning("what is old waits to be thrown away", error=str(error))
            except Exception:  # noqa: BLE001 - nor may one of them keep the others from going
                _log.exception("what is old cannot be thrown away")

    def _start(self, name: str, look: Look) -> int:
        """These read the definitions DB too, whose outage must keep no timer from being noticed."""
        starts, every = self._starts[name]
        if not every.due(look.now) and (name in self._failing or not getattr(look, name)):
            return 0
        self._failing.discard(name)
        try:
            return starts.run_once()
        except Unavailable as error:
            _log.warning("starts wait", what=name, error=str(error))
        except Exception:  # noqa: BLE001 - nobody foresaw it, and it must not keep the others from starting
            _log.exception("nothing can be started", what=name)
            self._failing.add(name)
        return 0

    def close(self) -> None:
        """Let another one lead at once."""
        self._recovery.resign(self._holder)


class _Every:
    """Something that is due every so many milliseconds of database time, and at once when that was set back."""

    def __init__(self, span: int) -> None:
        self._span = span
        self._last: int | None = None

    def due(self, now: int) -> bool:
        """Whether it is; then it has been."""
        if self._last is not None and 0 <= now - self._last < self._span:
            return False
        self._last = now
        return True

    def again(self) -> None:
        """There is more to do at once."""
        self._last = None
