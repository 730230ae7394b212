"""Where what tasks print is kept: with their instance, in the instances DB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from engine.app.records import LogLine


class LogStore(Protocol):
    """What tasks printed."""

    def append(self, lines: Sequence[LogLine]) -> None:
        """A line that is already there (same instance, path, attempt and number) is left alone."""
        ...

    def read(self, instance: str, path: str | None = None, *, after: int = 0, limit: int = 1000) -> Sequence[LogLine]:
        """In order of arrival; `after` is the count of lines already read."""
        ...
