"""Armed inside a process: its clock is wrong by as many seconds as a file says, which may change at any moment.

Debian's libfaketime would shift more than Python's clock, but breaks `time.sleep`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from threading import Event, Thread

import uuid_utils

LOOK = 0.1
"""Seconds between two looks at the file."""


class Clock:
    """The real one and an offset in seconds."""

    def __init__(self, told: Path) -> None:
        self._told = told
        self._offset = 0
        self._time_ns, self._uuid7 = time.time_ns, uuid_utils.uuid7
        self._look()
        Thread(target=self._follow, daemon=True).start()

    def time_ns(self) -> int:
        """Instead of the one of `time`."""
        return self._time_ns() + self._offset * 1_000_000_000

    def time(self) -> float:
        """Instead of the one of `time`."""
        return self.time_ns() / 1e9

    def uuid7(self) -> uuid_utils.UUID:
        """Instead of the one of `uuid_utils`, which asks the system."""
        return self._uuid7(nanoseconds=self.time_ns())

    def _look(self) -> None:
        self._offset = int(self._told.read_text())

    def _follow(self) -> None:
        pause = Event()
        while not pause.wait(LOOK):
            self._look()


def arm(folder: str) -> None:
    """Shift the clock of this process, before anything of the product is imported."""
    clock = Clock(told(Path(folder), sys.argv[1]))
    time.time, time.time_ns, uuid_utils.uuid7 = clock.time, clock.time_ns, clock.uuid7  # type: ignore[assignment]


def told(folder: Path, process: str) -> Path:
    """Where a process is told how wrong its clock is."""
    return folder / f"clock of {process}"


def tell(folder: Path, process: str, seconds: int) -> None:
    """Set a clock."""
    new = folder / f"new clock of {process}"
    new.write_text(str(seconds))
    new.replace(told(folder, process))
