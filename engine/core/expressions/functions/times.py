"""CEL's accessors of timestamps and durations, in UTC or a named zone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.core.expressions.budget import Run
from engine.core.expressions.errors import Failure
from engine.core.expressions.inner import Duration, Timestamp, kind
from engine.core.expressions.moments import SECOND, in_zone
from engine.core.values import Json

_OFFSET = re.compile(r"([+-]?)(\d\d):(\d\d)", re.ASCII)
_MILLISECOND = 1_000_000


def _zone(name: Json) -> tzinfo:
    if type(name) is not str:
        raise Failure(f"a time zone is a string, not {kind(name)}")
    try:
        if match := _OFFSET.fullmatch(name):
            offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
            return timezone(-offset if match[1] == "-" else offset)
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Failure(f"{name[:40]!r} is no time zone such as Europe/Paris or +02:00") from None


def _field(name: str, read: Callable[[datetime], int]) -> Callable[..., int]:
    def field(run: Run, moment: Json, zone: Json = "UTC") -> int:  # noqa: ARG001 - all functions have one shape
        if type(moment) is not Timestamp:
            raise Failure(f"{name}() needs a timestamp, not {kind(moment)}; strings are read with timestamp()")
        return read(_wall_clock(moment, zone))

    return field


def _wall_clock(moment: Timestamp, zone: Json) -> datetime:
    try:
        return in_zone(moment, UTC if zone == "UTC" else _zone(zone))
    except OverflowError:
        msg = "the time lies outside the years 1 to 9999 in that zone"
        raise Failure(msg) from None


def _part(name: str, read: Callable[[datetime], int], unit: int) -> Callable[..., int]:
    """A field of a timestamp, or the whole of a duration in that unit."""
    of_moment = _field(name, read)

    def part(run: Run, value: Json, zone: Json = None) -> int:
        if type(value) is Duration and zone is None:
            return abs(value.nanos) // unit * (-1 if value.nanos < 0 else 1)
        return of_moment(run, value, "UTC" if zone is None else zone)

    return part


def milliseconds(run: Run, value: Json, zone: Json = None) -> int:
    """`getMilliseconds()`: of the second, for timestamps and durations alike."""
    if type(value) is Duration and zone is None:
        return abs(value.nanos) % SECOND // _MILLISECOND * (-1 if value.nanos < 0 else 1)
    _part("getMilliseconds", lambda moment: moment.second, SECOND)(run, value, zone)
    return int(value.nanos % SECOND // _MILLISECOND)


METHODS: Mapping[str, Callable[..., Json]] = {
    "getFullYear": _field("getFullYear", lambda moment: moment.year),
    "getMonth": _field("getMonth", lambda moment: moment.month - 1),
    "getDate": _field("getDate", lambda moment: moment.day),
    "getDayOfMonth": _field("getDayOfMonth", lambda moment: moment.day - 1),
    "getDayOfWeek": _field("getDayOfWeek", lambda moment: moment.isoweekday() % 7),
    "getDayOfYear": _field("getDayOfYear", lambda moment: moment.timetuple().tm_yday - 1),
    "getHours": _part("getHours", lambda moment: moment.hour, 3600 * SECOND),
    "getMinutes": _part("getMinutes", lambda moment: moment.minute, 60 * SECOND),
    "getSeconds": _part("getSeconds", lambda moment: moment.second, SECOND),
    "getMilliseconds": milliseconds,
}
