"""Carries what a task prints to the log store: masked, in batches, bounded, and without ever failing the task."""

from __future__ import annotations

from threading import Lock
from time import monotonic

import structlog

from engine.app.log_ports import LogStore
from engine.app.masking import Masker
from engine.app.ports import Clock
from engine.app.records import LogLine
from engine.errors import HeadraceError

MAX_LINES = 10_000
MAX_BYTES = 1024 * 1024
MAX_LINE = 8 * 1024
"""Characters of a line; the rest is cut off."""
BATCH = 200
PAUSE = 0.5
"""Seconds between two writes of a task that goes on printing."""
AWAY = 5.0
"""The same after a write that failed: each may wait for the database, and the task that prints with it."""

_log = structlog.get_logger(__name__)


class TaskLog:
    """The log of one attempt. Beyond 10,000 lines or 1 MiB a note is left and the rest is dropped."""

    def __init__(
        self, store: LogStore, clock: Clock, masker: Masker, *, instance: str, path: str, attempt: int
    ) -> None:
        self._store = store
        self._clock = clock
        self._masker = masker
        self._of = (instance, path, attempt)
        self._lock = Lock()
        self._waiting: list[LogLine] = []
        self._lines = 0
        self._bytes = 0
        self._full = False
        self._failed = False
        """Whether the last write failed."""
        self._written = monotonic()

    def line(self, stream: str, text: str) -> None:
        """One line as it was printed."""
        # Masked before it is cut, or the first half of a secret could stay.
        text = self._masker.text(text).replace("\x00", "\N{SYMBOL FOR NULL}")[:MAX_LINE]
        text = text.encode("utf-8", "replace").decode()
        with self._lock:
            if self._full:
                return
            self._bytes += len(text.encode())
            self._full = self._lines >= MAX_LINES or self._bytes > MAX_BYTES
            if self._full:
                stream, text = "engine", "the log is full: what follows was not kept"
            self._add(stream, text)
            if len(self._waiting) >= BATCH and not self._failed:
                self._write()
        self.flush()

    def flush(self) -> None:
        """Write what waits, at most twice a second."""
        with self._lock:
            if monotonic() - self._written > (AWAY if self._failed else PAUSE):
                self._write()

    def close(self) -> None:
        """Write what waits: nothing more will come."""
        with self._lock:
            self._write()

    def _write(self) -> None:
        try:
            if self._waiting:
                self._store.append(self._waiting)
        except HeadraceError as error:
            # What cannot be written now is tried again with later lines; a log never fails its task.
            _log.warning("task_log_not_written", lines=len(self._waiting), error=str(error))
            self._failed = True
        else:
            self._waiting = []
            self._failed = False
        self._written = monotonic()

    def _add(self, stream: str, text: str) -> None:
        instance, path, attempt = self._of
        self._lines += 1
        self._waiting.append(
            LogLine(
                instance=instance,
                path=path,
                attempt=attempt,
                number=self._lines,
                stream=stream,
                text=text,
                at=self._clock.now(),
            )
        )
