"""When a cron expression is due, in milliseconds since the epoch.

Where clocks change, a fixed time of day comes once: one that is skipped comes right after the gap, one that is there twice
comes the first time. Expressions with `*` or `*/n` for the minute or the hour follow real time instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim

MINUTE = 60_000


def upcoming(cron: str, timezone: str, *, after: int, number: int = 1) -> list[int]:
    """The next times, fewer if there are no more. Raises ValueError for an expression or a zone that this system does not know."""
    return list(islice(_times(cron, timezone, after), number))


def past(cron: str, timezone: str, *, since: int, until: int, number: int) -> list[int]:
    """The last `number` times from `since` to `until`, both included, oldest first. Raises ValueError."""
    found: list[int] = []
    for at in _times(cron, timezone, until + MINUTE, reverse=True):
        if at < since or len(found) == number:
            break
        if at <= until:
            found.append(at)
    return found[::-1]


def _times(cron: str, timezone: str, start: int, *, reverse: bool = False) -> Iterator[int]:
    try:
        simulated = CronSim(cron, datetime.fromtimestamp(start / 1000, ZoneInfo(timezone)), reverse=reverse)
    except Exception as error:  # the library's own error is no ValueError, and zoneinfo raises several
        raise ValueError(f"{cron!r} in {timezone!r} is no schedule: {error}") from error
    return (int(moment.timestamp() * 1000) for moment in simulated)
