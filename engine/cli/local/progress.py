"""What is shown while a run goes on: nothing here, lines in `plain`, a tree that moves in `tree`; and what tasks said last."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Protocol

from engine.app.records import LogLine
from engine.cli.local import printable
from engine.cli.local.out import Line, Out
from engine.cli.local.watch import Look

TAIL = 10
"""Lines of a task that are remembered."""
MOST_TAILS = 500
"""Tasks of which lines are remembered: those that printed last."""


class Progress(Protocol):
    """Shows a run. Only one thread calls it."""

    def update(self, look: Look, logs: Sequence[LogLine], /) -> None:
        """What has become of it, and what its tasks have printed since the last time."""
        ...

    def say(self, *lines: Line) -> None:
        """Something besides, for people to keep."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


class Tails:
    """The last lines that tasks printed, by instance and path."""

    def __init__(self) -> None:
        self._tails: OrderedDict[tuple[str, str], deque[str]] = OrderedDict()

    def add(self, logs: Sequence[LogLine]) -> None:
        """Remember them."""
        for log in logs:
            key = (log.instance, log.path)
            self._tails.setdefault(key, deque(maxlen=TAIL)).append(printable.line(log.text))
            self._tails.move_to_end(key)
        while len(self._tails) > MOST_TAILS:
            self._tails.popitem(last=False)

    def of(self, instance: str, path: str) -> Sequence[str]:
        """Those of one task, safe to print."""
        return tuple(self._tails.get((instance, path), ()))


class Silent:
    """Implements Progress by showing only what has to be seen."""

    def __init__(self, out: Out) -> None:
        self._out = out

    def update(self, look: Look, logs: Sequence[LogLine]) -> None:
        """Show nothing."""

    def say(self, *lines: Line) -> None:
        """Show it."""
        self._out.lines(lines)

    def close(self) -> None:
        """Nothing is left open."""
