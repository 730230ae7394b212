"""Where each character of a YAML scalar's value stands in the file, so that errors inside it point at their own column.

The rules are those of libyaml's scanner: the value is made once more, remembering places, and compared with the real one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_BREAK = re.compile(r"\r\n|[\r\n\x85]")
_OTHER_BREAKS = ("\u2028", "\u2029")
_BLANKS = " \t"
_ESCAPE_DIGITS = {"x": 2, "u": 4, "U": 8}
_HEADER = re.compile(r"[|>](?:([-+])?([1-9])?|([1-9])([-+]))(?:[ \t]+(?:#[^\r\n\x85]*)?)?(?=[\r\n\x85]|$)")


def offsets(document: str, start: int, end: int, style: str | None, value: str) -> Sequence[int] | None:
    """The index in `document` of every character of a scalar's value, and one more for its end.

    `start`, `end` and `style` are those of PyYAML's scalar event (`|`, `>`, `'`, `"`, None for a plain one). What a fold
    or an escape makes has the place where that begins. None where the value cannot be aligned with the text.
    """
    text = document[start:end]
    if not text.isascii() and any(char in text for char in _OTHER_BREAKS):
        return None
    if style in {"|", ">"}:
        return _block(document, start, end, style, value)
    quotes = 1 if style in {"'", '"'} else 0
    if text[quotes : len(text) - quotes] == value:  # nothing folded, nothing escaped: most scalars
        return range(start + quotes, end - quotes + 1)
    return _aligned(_flow(document, start, end, style, value), value)


class _Made:
    """A value being made again, a character and its place at a time."""

    def __init__(self) -> None:
        self.characters: list[str] = []
        self.places: list[int] = []
        self.end = 0

    def add(self, text: str, place: int, *, spread: bool = True) -> None:
        """Characters that stand next to each other from `place` on, or, not `spread`, all at `place`."""
        self.characters.append(text)
        self.places.extend(range(place, place + len(text)) if spread else [place] * len(text))


def _aligned(made: _Made | None, value: str) -> Sequence[int] | None:
    if made is None or "".join(made.characters) != value:
        return None
    return [*made.places, made.end]


def _flow(document: str, start: int, end: int, style: str | None, value: str) -> _Made:
    """A plain or quoted scalar."""
    made = _Made()
    quotes = 1 if style in {"'", '"'} else 0
    at, made.end = start + quotes, end - quotes
    while at < made.end:
        char = document[at]
        if char in _BLANKS or _BREAK.match(char):
            at = _blanks(document, at, made, escaped=False)
        elif style == "'" and char == "'":
            made.add("'", at)
            at += 2
        elif style == '"' and char == "\\":
            at = _escape(document, at, made, value)
        else:
            made.add(char, at)
            at += 1
    return made


def _escape(document: str, at: int, made: _Made, value: str) -> int:
    """One escape of a double-quoted scalar; what it stands for is taken from the value."""
    if _BREAK.match(document, at + 1):
        return _blanks(document, at + 1, made, escaped=True)
    place = len(made.places)
    made.add(value[place : place + 1], at, spread=False)
    return at + 2 + _ESCAPE_DIGITS.get(document[at + 1], 0)


def _blanks(document: str, at: int, made: _Made, *, escaped: bool) -> int:
    """White space in a flow scalar: as it is within a line, folded around line breaks."""
    begin, breaks = at, 0
    while at < len(document):
        if match := _BREAK.match(document, at):
            breaks += 1
            at = match.end()
        elif document[at] in _BLANKS:
            at += 1
        else:
            break
    if escaped:
        made.add("\n" * (breaks - 1), begin, spread=False)
    elif breaks == 0:
        made.add(document[begin:at], begin)
    else:
        made.add("\n" * (breaks - 1) or " ", begin, spread=False)
    return at


def _block(document: str, start: int, end: int, style: str, value: str) -> Sequence[int] | None:
    """A literal or folded scalar, at the first indentation that gives the value."""
    header = _HEADER.match(document, start)
    if header is None:
        return None
    chomping = header[1] or header[4] or ""
    lines = list(_lines(document, header.end(), end))
    for indent in _indents(document, lines, explicit=bool(header[2] or header[3])):
        made = _Made()
        _fill(document, lines, indent, made, folded=style == ">", chomping=chomping)
        made.end = made.places[-1] + 1 if made.places else header.end()
        if (aligned := _aligned(made, value)) is not None:
            return aligned
    return None


def _lines(document: str, header_end: int, end: int) -> Iterator[tuple[int, int]]:
    """Where each line after the header begins and where its text ends."""
    first = _BREAK.match(document, header_end)
    at = first.end() if first else len(document)
    while at < end:
        found = _BREAK.search(document, at)
        stop, after = (found.start(), found.end()) if found else (len(document), len(document))
        yield at, stop
        at = after


def _indents(document: str, lines: list[tuple[int, int]], *, explicit: bool) -> Iterator[int]:
    """The indentations the block may have: that of its first line with text, or fewer where a digit says how much."""
    first = next((document[begin:stop] for begin, stop in lines if document[begin:stop].strip(" ")), None)
    if first is None:
        widest = max((stop - begin for begin, stop in lines), default=0)
        yield from range(widest, -1, -1)
        return
    width = len(first) - len(first.lstrip(" "))
    yield from range(width, -1, -1) if explicit else (width,)


def _fill(
    document: str, lines: list[tuple[int, int]], indent: int, made: _Made, *, folded: bool, chomping: str
) -> None:
    """Make the value line by line; returns where it ends."""
    pending: list[int] = []  # the breaks since the last line with text
    before_blank = False
    started = False
    for begin, stop in lines:
        if stop - begin <= indent and not document[begin:stop].strip(" "):
            pending += [stop] if stop < len(document) else []
            continue
        if document[begin : begin + indent].strip(" "):
            break
        text = document[begin + indent : stop]
        blank = text[0] in _BLANKS
        if folded and started and not before_blank and not blank:
            first, *others = pending
            _add_breaks(made, others) if others else made.add(" ", first)
        else:
            _add_breaks(made, pending)
        made.add(text, begin + indent)
        pending, before_blank, started = [stop] if stop < len(document) else [], blank, True
    if chomping == "+":
        _add_breaks(made, pending)
    elif chomping == "" and started:
        _add_breaks(made, pending[:1])


def _add_breaks(made: _Made, places: list[int]) -> None:
    for place in places:
        made.add("\n", place)
