"""Text of tasks as a terminal may have it: nothing in it is obeyed, and nothing of it breaks a line."""

from __future__ import annotations

import re
import unicodedata

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
KEPT = frozenset("\u200c\u200d\ufe0f")
"""Joiners and selectors, without which letters and signs fall apart."""
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|[\x1b][\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS and the like: titles, links, clipboards
    r"|\x9b[0-?]*[ -/]*[@-~]"
    r"|\x1b[ -/]*[0-~]?"
)


def line(text: str) -> str:
    r"""One line: escape sequences are taken out, what is no letter or sign is replaced.

    >>> line("\x1b[31mred\x1b[0m"), line("10 %\r20 %"), line("a\tb"), line("bell\x07")
    ('red', '20 %', 'a   b', 'bell�')
    """
    if text.isascii() and text.isprintable():
        return text
    text = _ESCAPES.sub("", text)
    text = text.rstrip("\r").rpartition("\r")[2].expandtabs(4)  # what a progress bar wrote over itself
    return "".join(_letter(each) for each in text)


def lines(text: str) -> list[str]:
    """Its lines, each made safe."""
    return [line(each) for each in text.splitlines()] or [""]


def short(text: str, length: int) -> str:
    """Its lines as one, cut to so many characters."""
    found = " ".join(" ".join(lines(text)).split())
    return found if len(found) <= length else found[: max(length - 1, 0)] + "…"


def _letter(each: str) -> str:
    if each.isprintable() or each in KEPT:
        return each
    return " " if unicodedata.category(each) == "Zs" else REPLACEMENT
