"""Signals between the threads of a single process."""

from __future__ import annotations

from collections.abc import Collection

from engine.adapters.broker.waiting import Waiting


class MemorySignals:
    """`Signals` between threads."""

    def __init__(self) -> None:
        self._waiting = Waiting()

    def changed(self, instances: Collection[str]) -> None:
        """Wake who waits for these."""
        self._waiting.wake(instances)

    def wait(self, instance: str, timeout: float) -> bool:
        """Block for a hint."""
        return self._waiting.wait(instance, timeout)

    def close(self) -> None:
        """Wake everybody."""
        self._waiting.wake_all()
