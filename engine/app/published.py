"""Outbox rows that have reached the broker ride with the next transaction, or are deleted a moment later when idle."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from threading import Lock, Timer

import structlog

from engine.app.ports import InstanceStore
from engine.errors import Unavailable

IDLE = 0.2
"""Seconds after which rows are deleted in a transaction of their own."""

_log = structlog.get_logger(__name__)


class Published:
    """Ids of published rows that are still in the outbox. Forgetting them is harmless: the relay sends them again."""

    def __init__(self, store: InstanceStore) -> None:
        self._store = store
        self._ids: list[str] = []
        self._lock = Lock()
        self._deleting = Lock()
        self._timer: Timer | None = None

    def add(self, ids: Iterable[str]) -> None:
        """Remember rows, and see to it that they go even if nothing else is written."""
        with self._lock:
            self._ids.extend(ids)
            if self._ids and self._timer is None:
                self._timer = Timer(IDLE, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def take(self) -> list[str]:
        """All of them; the caller's transaction deletes them, or gives them back with `add`."""
        with self._lock:
            ids, self._ids = self._ids, []
            return ids

    def flush(self, more: Collection[str] = ()) -> None:
        """Delete them now; whoever closes the store afterwards finds nobody at it any more."""
        with self._deleting:
            with self._lock:
                self._timer = None
            ids = [*self.take(), *more]
            if not ids:
                return
            try:
                self._store.delete_published(ids)
            except Unavailable as error:
                _log.warning("published rows stay for the relay", rows=len(ids), error=str(error))
