"""How many commands a task worker fetches ahead, by how long commands take here."""

from __future__ import annotations

AHEAD = 0.05
"""Seconds of work that may wait in this process. Longer, and it waits behind a slow task while other workers idle."""

MOST = 256
"""Commands fetched ahead at most: one batch of outcomes."""

WEIGHT = 1 / 16
"""Of the newest duration in the moving mean."""


class Pace:
    """A window between the number of threads (long tasks) and 256 (tasks of milliseconds)."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._mean: float | None = None

    def observe(self, seconds: float) -> None:
        """A command took this long. Unlocked: a lost update costs a little accuracy and nothing else."""
        mean = self._mean
        self._mean = seconds if mean is None else mean + (seconds - mean) * WEIGHT

    def slow(self, seconds: float) -> None:
        """Commands that are still running have taken this long already: fetch nothing ahead until short ones prove otherwise."""
        self._mean = max(self._mean or 0.0, seconds)

    @property
    def window(self) -> int:
        """Commands to hold, running ones included."""
        if self._mean is None:
            return self._threads
        ahead = int(self._threads * AHEAD / max(self._mean, 1e-6))
        return max(self._threads, min(self._threads + ahead, MOST))
