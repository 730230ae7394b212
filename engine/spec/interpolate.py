"""Finds `${{ … }}` in text: `}}` inside CEL strings and maps does not close it, `$${{` stands for itself."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.spec.cel_tokens import string_end

OPEN, CLOSE = "${{", "}}"
_MATTERS = re.compile(r"""[{}]|[rRbB]{0,2}['"]""")
"""Braces, and where a string can begin."""


class InterpolationError(Exception):
    """An interpolation that is not closed or is empty; `offset` is where it opens, in characters."""

    def __init__(self, offset: int, message: str) -> None:
        self.offset = offset
        self.message = message
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """The CEL source inside one interpolation, without the spaces around it, and where it begins in the text."""

    source: str
    offset: int


def is_template(text: str) -> bool:
    """Whether `split` would change the text."""
    return OPEN in text


def split(text: str) -> list[str | Piece]:
    """The literal texts and expressions of `text`, in order, no literal empty; raises `InterpolationError`."""
    pieces: list[str | Piece] = []
    literal = ""
    at = 0
    while (opening := text.find(OPEN, at)) >= 0:
        if opening > at and text[opening - 1] == "$":
            literal += text[at : opening - 1] + OPEN
            at = opening + len(OPEN)
            continue
        literal += text[at:opening]
        if literal:
            pieces.append(literal)
            literal = ""
        closing = _closing(text, opening)
        pieces.append(_piece(text, opening, closing))
        at = closing + len(CLOSE)
    literal += text[at:]
    return [*pieces, literal] if literal else pieces


def _closing(text: str, opening: int) -> int:
    at = opening + len(OPEN)
    braces = 0
    while found := _MATTERS.search(text, at):
        at = found.start()
        if text[at] == "{":
            braces += 1
        elif text[at] == "}":
            if braces == 0 and text.startswith(CLOSE, at):
                return at
            braces = max(braces - 1, 0)
        elif end := string_end(text, at):
            at = end
            continue
        at += 1
    raise InterpolationError(opening, "this '${{' is never closed by '}}'; to write it literally, use '$${{'")


def _piece(text: str, opening: int, closing: int) -> Piece:
    start = opening + len(OPEN)
    source = text[start:closing]
    if not source.strip():
        raise InterpolationError(opening, "there is no expression between '${{' and '}}'")
    return Piece(source=source.strip(), offset=start + len(source) - len(source.lstrip()))
