"""Due timers become events. For attempts that have been silent the leases are asked first; the database decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import structlog

from engine.app.advance import Advancer
from engine.app.ports import Leases, Recovery
from engine.app.records import DueScope, Notification
from engine.core.events import AttemptAlive, AttemptLost, AttemptUnclaimed, Event, TimersDue, to_json
from engine.core.keys import lease_key, task_path
from engine.core.state import TaskRun
from engine.errors import HeadraceError, Unavailable

BATCH = 100
"""Scopes per transaction: small, so that timers never hold locks for long."""

_log = structlog.get_logger(__name__)


class Timers:
    """Feeds due timers to their scopes."""

    def __init__(self, *, recovery: Recovery, leases: Leases, advancer: Advancer) -> None:
        self._recovery = recovery
        self._leases = leases
        self._advancer = advancer

    def run_once(self, limit: int = 500) -> int:
        """Take up to `limit` due scopes; returns how many there were. Raises Unavailable from the database."""
        due = self._recovery.due(limit)
        if not due:
            return 0
        now = self._recovery.now()
        silent = [(scope, task, run) for scope in due for task, run in _silent(scope, now)]
        held = self._held([_key(*entry) for entry in silent])
        notifications = [
            Notification(instance=scope.instance, scope=scope.path, event=to_json(_verdict(task, run, alive)))
            for (scope, task, run), alive in zip(silent, held, strict=True)
        ]
        notifications += [
            Notification(instance=scope.instance, scope=scope.path, event=to_json(TimersDue()))
            for scope in due
            if _has_due(scope, now)
        ]
        for start in range(0, len(notifications), BATCH):
            self._submit(notifications[start : start + BATCH])
        return len(due)

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
        except HeadraceError:
            if len(notifications) == 1:
                _log.exception("a timer cannot be taken", instance=notifications[0].instance)
                return
            for notification in notifications:
                self._submit([notification])


def _silent(scope: DueScope, now: int) -> Iterator[tuple[str, TaskRun]]:
    for task, run in scope.state["tasks"].items():
        if run.get("timers", {}).get("check", now + 1) <= now:
            yield task, run


def _has_due(scope: DueScope, now: int) -> bool:
    timers = [scope.state.get("timers", {}), *(run.get("timers", {}) for run in scope.state["tasks"].values())]
    return any(at <= now for entry in timers for name, at in entry.items() if name != "check")


def _key(scope: DueScope, task: str, run: TaskRun) -> str:
    return lease_key(scope.instance, task_path(scope.path, task), run["attempt"])


def _verdict(task: str, run: TaskRun, alive: bool) -> Event:
    if alive:
        return AttemptAlive(task=task, attempt=run["attempt"])
    if run["state"] == "running":
        return AttemptLost(task=task, attempt=run["attempt"])
    return AttemptUnclaimed(task=task, attempt=run["attempt"])
