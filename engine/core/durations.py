"""Spans and points of time as people write them, in milliseconds."""

from __future__ import annotations

import re
from datetime import datetime

from engine.core.values import Json

_UNITS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_SHORT = re.compile(r"(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?(?:(\d{1,9})ms)?", re.ASCII)
_ISO = re.compile(
    r"P(?:(\d{1,9})D)?(?:T(?!$)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:[.,](\d{1,3}))?S)?)?", re.ASCII
)
_WEEKS = re.compile(r"P(\d{1,9})W", re.ASCII)
LONGEST = 3660 * _UNITS["d"]
"""Ten years: more is a slip of the pen, and would not fit a date."""


def milliseconds(text: str) -> int:
    """A span of time: `10s`, `5m`, `2h`, `7d`, `1h30m`, `500ms`, or ISO 8601 without years and months.

    Raises ValueError with a message for people.

    >>> milliseconds("1h30m"), milliseconds("P1DT0.5S")
    (5400000, 86400500)
    """
    if weeks := _WEEKS.fullmatch(text):
        total = int(weeks[1]) * 7 * _UNITS["d"]
    else:
        match = (_ISO if text.startswith("P") else _SHORT).fullmatch(text)
        if match is None or not any(match.groups()):
            raise ValueError(f'"{text[:40]}" is no span of time; write it like 10s, 5m, 2h, 7d or 1h30m')
        *counts, last = match.groups()
        thousandths = (last or "").ljust(3, "0") if text.startswith("P") else last
        total = sum(
            int(count) * unit for count, unit in zip((*counts, thousandths), _UNITS.values(), strict=True) if count
        )
    return _bounded(total)


def duration(value: Json) -> int:
    """A span as a task's parameters hold it: milliseconds as the compiler leaves them, or text an expression gave.

    Raises ValueError with a message for people.
    """
    if isinstance(value, str):
        return milliseconds(value)
    if type(value) is int:
        return _bounded(value)
    raise ValueError("a span of time is text such as 10s, 5m or 1h30m")


def text(span: int) -> str:
    """A span in milliseconds as people write it.

    >>> text(5_400_000), text(0)
    ('1h30m', '0s')
    """
    parts = []
    for unit, size in _UNITS.items():
        count, span = divmod(span, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def instant(value: Json) -> int:
    """A point of time in milliseconds since the epoch: RFC 3339 text. Raises ValueError with a message for people."""
    try:
        moment = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError("a time is RFC 3339 text with an offset, such as 2030-01-31T12:00:00Z")
    return round(moment.timestamp() * 1_000)


def _bounded(span: int) -> int:
    if not 0 <= span <= LONGEST:
        raise ValueError("a span of time is between 0 and ten years")
    return span
