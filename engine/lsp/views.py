"""Answers about a file that is no YAML for a moment, as it is while it is typed, from how it was when it could be read."""

from __future__ import annotations

from lsprotocol import types

from engine.lsp.positions import Positions
from engine.spec.nodes import Span, Text


class View:
    """A text that can be read, and where what stands in it stands in the one that the editor shows.

    The two differ in one stretch, mostly in what is typed: what is around it has only moved.
    """

    def __init__(self, path: str, text: str, shown: str, encoding: str = "utf-16") -> None:
        self.text = text
        self.is_shown = text == shown
        self._positions = Positions(Text(path, shown), encoding)
        self._same = _alike(text, shown)
        self._end = len(text) - _alike(text[self._same :][::-1], shown[self._same :][::-1])
        self._moved = len(shown) - len(text)

    def offset(self, position: types.Position) -> int | None:
        """The place in the text that the editor shows there; None in what is new."""
        offset = self._positions.offset(position)
        if offset < self._same:
            return offset
        return offset - self._moved if offset >= self._end + self._moved else None

    def range(self, span: Span) -> types.Range:
        """Where the editor shows `span`: with all that is new where it reaches into what is no longer there."""
        start = span.start + self._moved if span.start >= self._end else min(span.start, self._same)
        end = span.end if span.end <= self._same else max(span.end, self._end) + self._moved
        return self._positions.range(Span(min(start, end), end))


def _alike(one: str, other: str) -> int:
    """How many characters both begin with."""
    different = (index for index, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1])
    return next(different, min(len(one), len(other)))
