"""Where a run writes: whole lines of plain or coloured text, in letters that the terminal has."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from threading import RLock
from typing import TextIO, TypeAlias

from rich.cells import cell_len, set_cell_size

from engine.cli.local.printable import REPLACEMENT

Line: TypeAlias = tuple[tuple[str, str], ...]
"""Parts of a line: text and how it looks, a key of STYLES."""

STYLES = {"good": "32", "bad": "1;31", "busy": "36", "wait": "33", "calm": "2", "off": "35", "idle": "2", "bold": "1"}
"""The tones of `engine.web.states`, and what stands out, as the terminal's colours. Nothing is told by colour alone."""
_ASCII = str.maketrans({"…": "...", REPLACEMENT: "?", "✓": "+", "✗": "x", "●": "*", "◌": ".", "○": ".", "│": "|"})
_TRUE = frozenset({"1", "true", "yes"})


class Out:
    """One stream. Safe to share between threads. A reader that has gone is no reason to end the run."""

    def __init__(self, stream: TextIO, environment: Mapping[str, str] = os.environ) -> None:
        self._stream = stream
        self._lock = RLock()
        self._ascii = not (getattr(stream, "encoding", "") or "").lower().replace("-", "").startswith("utf")
        self.tty = stream.isatty()
        dumb = environment.get("TERM", "dumb") in ("dumb", "")
        self.live = self.tty and not dumb and environment.get("CI", "").lower() not in _TRUE
        """Whether lines can be drawn over."""
        self.colour = self.live and not environment.get("NO_COLOR")

    def lines(self, lines: Iterable[Line]) -> None:
        """Write lines below each other."""
        self.write("".join(f"{self.drawn(line)}\n" for line in lines))

    def text(self, text: str, style: str = "") -> None:
        """Write one line."""
        self.lines([((text, style),)])

    def drawn(self, line: Line) -> str:
        """A line as it is written, without its end."""
        return "".join(self._part(text, style) for text, style in line)

    def write(self, text: str) -> None:
        """Write text that is safe to write."""
        with self._lock, suppress(BrokenPipeError, OSError, ValueError):
            self._stream.write(text.translate(_ASCII).encode("ascii", "replace").decode() if self._ascii else text)
            self._stream.flush()

    def width(self) -> int:
        """Columns; so many that nothing is cut where nobody looks at columns."""
        return self._size()[0] if self.tty else 10_000

    def height(self) -> int:
        """Rows."""
        return self._size()[1]

    def _part(self, text: str, style: str) -> str:
        code = STYLES.get(style) if self.colour else None
        return f"\x1b[{code}m{text}\x1b[0m" if code and text else text

    def _size(self) -> tuple[int, int]:
        try:
            columns, rows = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            return 80, 24
        return columns or 80, rows or 24


def cut(line: Line, width: int) -> Line:
    """A line that fits into so many columns, with a sign that it was cut."""
    if sum(cell_len(text) for text, _ in line) <= width:
        return line
    left = max(width - 1, 0)
    parts: list[tuple[str, str]] = []
    for text, style in line:
        size = cell_len(text)
        if size > left:
            parts.append((set_cell_size(text, left).rstrip() + "…" if width > 0 else "", style))
            break
        parts.append((text, style))
        left -= size
    return tuple(parts)
