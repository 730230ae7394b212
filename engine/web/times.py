"""Times as people read them: how long ago, how long it took, and exactly when."""

from __future__ import annotations

from datetime import UTC, datetime

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def instant(milliseconds: int) -> str:
    """For the `datetime` attribute, RFC 3339."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def absolute(milliseconds: int) -> str:
    """`2026-11-22 20:07:13 UTC`."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def relative(milliseconds: int, now: int) -> str:
    """`3 min ago`, `in 2 h`; the script that keeps pages fresh says it the same way."""
    distance = now - milliseconds
    if abs(distance) < 5 * SECOND:
        return "just now"
    size = abs(distance)
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s")):
        if size >= unit:
            # What is past was so long ago at least; of what is to come the next full hour is nearer than the last.
            text = f"{size // unit if distance > 0 else round(size / unit)} {name}"
            break
    return f"{text} ago" if distance > 0 else f"in {text}"


def duration(milliseconds: int) -> str:
    """Two units at most: `84 ms`, `3.2 s`, `4 min 10 s`, `2 d 3 h`."""
    size = max(milliseconds, 0)
    if size < SECOND:
        return f"{size} ms"
    if size < 10 * SECOND:
        return f"{size / SECOND:.1f} s"
    if size < MINUTE:
        return f"{size // SECOND} s"
    for unit, name, smaller, small in ((DAY, "d", HOUR, "h"), (HOUR, "h", MINUTE, "min"), (MINUTE, "min", SECOND, "s")):
        if size >= unit:
            rest = size % unit // smaller
            return f"{size // unit} {name}" + (f" {rest} {small}" if rest else "")
    raise AssertionError  # unreachable
