"""Turns positions of editors, which count the units of an encoding in a line, into offsets and back."""

from __future__ import annotations

from collections.abc import Callable

from lsprotocol import types

from engine.spec.nodes import Span, Text

_LAST_OF_ONE_UNIT = "\uffff"
"""UTF-16 writes what is behind it as two."""


def _utf16(character: str) -> int:
    return 1 if character <= _LAST_OF_ONE_UNIT else 2


def _utf8(character: str) -> int:
    return len(character.encode(errors="surrogatepass"))


def _utf32(_character: str) -> int:
    return 1


_UNITS: dict[str, Callable[[str], int]] = {"utf-8": _utf8, "utf-16": _utf16, "utf-32": _utf32}


class Positions:
    """One text, and how its editor counts: in UTF-16 unless both sides know better."""

    def __init__(self, text: Text, encoding: str = "utf-16") -> None:
        self.text = text
        self._units = _UNITS[encoding]

    def position(self, offset: int) -> types.Position:
        """Where the character at `offset` is for the editor."""
        place = self.text.position(offset)
        before = self.text.text[offset - place.column + 1 : offset]
        return types.Position(line=place.line - 1, character=sum(map(self._units, before)))

    def range(self, span: Span) -> types.Range:
        """The range that covers `span`."""
        return types.Range(start=self.position(span.start), end=self.position(span.end))

    def offset(self, position: types.Position) -> int:
        """The character at the editor's position; the nearest before it where there is none."""
        try:
            start = self.text.offset(position.line + 1, 1)
        except IndexError:
            return len(self.text.text)
        left = position.character
        for offset in range(start, len(self.text.text)):
            character = self.text.text[offset]
            left -= self._units(character)
            if left < 0 or character in "\r\n":
                return offset
        return len(self.text.text)

    def at(self, line: int, column: int) -> int:
        """The offset of a line and column of a finding; the end of the text where the line is gone."""
        try:
            return min(self.text.offset(line, column), len(self.text.text))
        except IndexError:
            return len(self.text.text)
