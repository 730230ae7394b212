"""Due timers become events. For attempts that have been silent the leases are asked first; the database decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import structlog

from engine.app.advance import Advancer
from engine.app.ports import Leases, Recovery
from engine.app.records import DueScope, Notification
from engine.core.commands import AskApprovers, MatchEvent, RunTask, lease_of
from engine.core.events import AttemptAlive, AttemptLost, AttemptUnclaimed, Event, TimersDue, to_json
from engine.core.keys import task_path
from engine.core.state import TaskRun
from engine.errors import Unavailable

BATCH = 100
"""Scopes per transaction: small, so that timers never hold locks for long."""

LOOK_AGAIN = 3_000
"""Milliseconds for which a lease has to stay away. A broker that was wiped has those of living workers back before."""

MISSED_AT_MOST = 5_000
"""Scopes that are read once more while their leases are waited for: after a wipe that may be all there are."""

PUT_OFF = 60_000
"""Milliseconds until a timer that could not be taken is tried again: it must not stand in the way of all others."""

_log = structlog.get_logger(__name__)


class Timers:
    """Feeds due timers to their scopes."""

    def __init__(self, *, recovery: Recovery, leases: Leases, advancer: Advancer) -> None:
        self._recovery = recovery
        self._leases = leases
        self._advancer = advancer
        self._missed: dict[str, int] = {}
        """Leases that were not there, by when that was first seen."""

    def run_once(self, limit: int = 500) -> int:
        """Look at up to `limit` due scopes; returns how many events that gave. Raises Unavailable from the database.

        Those whose leases are waited for do not count: they stay the first, and others would wait behind them.
        """
        due = self._recovery.due(limit + min(len(self._missed), MISSED_AT_MOST))
        now = self._recovery.now() if due else 0
        notifications = [*self._verdicts(due, now), *_timers(due, now)]
        for start in range(0, len(notifications), BATCH):
            self._submit(notifications[start : start + BATCH])
        return len(notifications)

    def _verdicts(self, due: Sequence[DueScope], now: int) -> Iterator[Notification]:
        silent = [(scope, task, run) for scope in due for task, run in _silent(scope, now)]
        keys = [_key(*attempt) for attempt in silent]
        held = self._held(keys)
        self._missed = {key: self._missed.get(key, now) for key, alive in zip(keys, held, strict=True) if not alive}
        for (scope, task, run), key, alive in zip(silent, keys, held, strict=True):
            if alive or now - self._missed[key] >= LOOK_AGAIN:
                yield _notification(scope, _verdict(task, run, alive=alive))

    def _held(self, keys: Sequence[str]) -> Sequence[bool]:
        """Whether somebody is at work. When nothing can be said everybody is believed to be, until the next check."""
        try:
            return self._leases.held(keys) if keys else []
        except Unavailable as error:
            _log.warning(
                "leases cannot be read, all attempts are taken to be alive", attempts=len(keys), error=str(error)
            )
            return [True] * len(keys)

    def _submit(self, notifications: Sequence[Notification]) -> None:
        try:
            self._advancer.submit(notifications)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - one scope that cannot go on must not keep all others from doing so
            if len(notifications) > 1:
                for notification in notifications:
                    self._submit([notification])
                return
            (one,) = notifications
            _log.exception("a timer cannot be taken", instance=one.instance, scope=one.scope, error=str(error))
            self._recovery.put_off(one.instance, one.scope, PUT_OFF)


def _timers(due: Sequence[DueScope], now: int) -> Iterator[Notification]:
    return (_notification(scope, TimersDue()) for scope in due if _has_due(scope, now))


def _notification(scope: DueScope, event: Event) -> Notification:
    return Notification(instance=scope.instance, scope=scope.path, event=to_json(event))


def _silent(scope: DueScope, now: int) -> Iterator[tuple[str, TaskRun]]:
    for task, run in scope.state["tasks"].items():
        if run.get("timers", {}).get("check", now + 1) <= now:
            yield task, run


def _has_due(scope: DueScope, now: int) -> bool:
    timers = [scope.state.get("timers", {}), *(run.get("timers", {}) for run in scope.state["tasks"].values())]
    return any(at <= now for entry in timers for name, at in entry.items() if name != "check")


def _key(scope: DueScope, task: str, run: TaskRun) -> str:
    """The lease of what is with a worker: the attempt, the asking of approvers, or the look at earlier events."""
    path = task_path(scope.path, task)
    waiting = MatchEvent.type if "waits_for" in run else AskApprovers.type
    kind = waiting if run["state"] == "waiting" else RunTask.type
    return lease_of({"type": kind, "instance": scope.instance, "path": path, "attempt": run["attempt"]}) or ""


def _verdict(task: str, run: TaskRun, *, alive: bool) -> Event:
    if alive:
        return AttemptAlive(task=task, attempt=run["attempt"])
    if run["state"] == "running":
        return AttemptLost(task=task, attempt=run["attempt"])
    return AttemptUnclaimed(task=task, attempt=run["attempt"])
