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
    """Ids of published rows that are still in the outbox. Forgetting them loses nothing: the relay sends them again."""

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
                self._timer = Timer(IDLE, self._try)
                self._timer.daemon = True
                self._timer.start()

    def take(self) -> list[str]:
        """All of them; the caller's transaction deletes them, or gives them back with `add`."""
        with self._lock:
            ids, self._ids = self._ids, []
            return ids

    def flush(self) -> None:
        """Delete them now; whoever closes the store afterwards finds nobody at it any more."""
        self._delete()

    def _try(self) -> None:
        """Those that stay are tried again: sent once more by the relay, what they ask for may be done a second time."""
        self.add(self._delete())

    def _delete(self) -> Collection[str]:
        """Returns what is there still."""
        with self._deleting:
            with self._lock:
                self._timer = None
            ids = self.take()
            try:
                return self._store.delete_published(ids) if ids else ()
            except Unavailable as error:
                _log.warning("published rows stay", rows=len(ids), error=str(error))
                return ids
