"""What no database can keep is refused at the doors: NUL, lone surrogates, NaN, infinities, integers beyond 64 bits."""

from __future__ import annotations

import math

from engine.core.values import Json

DEPTH = 64
"""Levels of lists and maps that a value may have."""

_NESTING = frozenset({dict, list})


def unstorable(value: Json, pointer: str = "", depth: int = 0) -> tuple[str, str] | None:
    """The first thing in a JSON value that PostgreSQL would refuse, as (JSON Pointer, why); None if all can be kept."""
    if isinstance(value, str):
        return _text(value, pointer)
    if isinstance(value, float):
        return None if math.isfinite(value) else (pointer, f"{value} is no JSON number")
    if isinstance(value, int) and not isinstance(value, bool):
        return None if -(2**63) <= value < 2**63 else (pointer, "the integer does not fit 64 bits")
    if not isinstance(value, dict | list | tuple):
        return None
    if depth > DEPTH:
        return pointer, f"more than {DEPTH} levels deep"
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, entry in entries:
        at = f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"
        found = (_text(key, at) if isinstance(key, str) else None) or unstorable(entry, at, depth + 1)
        if found:
            return found
    return None


def too_deep(value: Json) -> bool:
    """Whether it has more levels than may be, which looks at lists and maps alone."""
    level = [value]
    for _ in range(DEPTH + 1):
        inside = [
            entry.values() if isinstance(entry, dict) else entry for entry in level if isinstance(entry, dict | list)
        ]
        level = [entry for entries in inside for entry in entries if type(entry) in _NESTING]
        if not level:
            return False
    return True


def _text(text: str, pointer: str) -> tuple[str, str] | None:
    if "\x00" in text:
        return pointer, "text with a NUL character cannot be kept"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return pointer, "text with a lone surrogate cannot be kept"
    return None
