"""Draws some lines at the bottom of a terminal again and again, and lets others stay above them."""

from __future__ import annotations

import sys
import termios
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from rich.cells import cell_len

from engine.cli.local.out import Line, Out, cut

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
"""The cursor."""
BEGIN, END = "\x1b[?2026h", "\x1b[?2026l"
"""What is in between is shown at once, by terminals that can."""


class Screen:
    """One terminal. Lines are drawn in one row each, whatever its width, so that they can be found again.

    Not `rich.live`: when a window becomes narrower its rows wrap, and it clears fewer than there are.
    """

    def __init__(self, out: Out) -> None:
        self._out = out
        self._widths: list[int] = []
        """Of the rows that are drawn."""
        self._last = ""
        self._keyboard = _Keyboard()

    def draw(self, lines: Iterable[Line]) -> None:
        """Draw these in place of the last ones."""
        self._keyboard.hush()
        self._replace((), [cut(line, self._out.width() - 1) for line in lines][: max(self._out.height() - 1, 1)])

    def above(self, lines: Sequence[Line]) -> None:
        """Let these stay, above where the next ones are drawn. A long one takes several rows."""
        if lines:
            self._replace(lines, ())

    def clear(self) -> None:
        """Take away what is drawn and leave the terminal as it was."""
        self._replace((), ())
        self._keyboard.restore()

    def _replace(self, stay: Sequence[Line], drawn: Sequence[Line]) -> None:
        text = "".join(f"{self._out.drawn(line)}\n" for line in (*stay, *drawn))
        if not stay and drawn and text == self._last and self._rows() == len(self._widths):
            return
        before, after = self._erased(), HIDE if drawn else SHOW
        if text or self._widths:
            self._out.write(f"{BEGIN}{before}{text}{after}{END}")
        self._last = text if drawn else ""
        self._widths = [cell_len("".join(part for part, _ in line)) for line in drawn]

    def _erased(self) -> str:
        rows = min(self._rows(), self._out.height() - 1)
        return f"\r\x1b[{rows}A\x1b[J" if rows else "\r\x1b[J"

    def _rows(self) -> int:
        """How many rows the drawn lines take now: the window may have become narrower since, and wrapped them."""
        columns = max(self._out.width(), 1)
        return sum(max(1, -(-width // columns)) for width in self._widths)


class _Keyboard:
    """What is typed while lines are drawn is not to be seen among them."""

    def __init__(self) -> None:
        self._before: list[Any] | None = None

    def hush(self) -> None:
        if self._before is None:
            with suppress(termios.error, OSError, ValueError):
                self._before = termios.tcgetattr(sys.stdin)
                silent = [*self._before]
                silent[3] &= ~termios.ECHO
                termios.tcsetattr(sys.stdin, termios.TCSANOW, silent)

    def restore(self) -> None:
        if self._before is not None:
            with suppress(termios.error, OSError, ValueError):
                termios.tcsetattr(sys.stdin, termios.TCSAFLUSH, self._before)
            self._before = None
