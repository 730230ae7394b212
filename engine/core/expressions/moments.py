"""Timestamps and durations as text: RFC 3339 and `1h30m`, both to the nanosecond."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from engine.core.expressions.errors import Failure
from engine.core.expressions.inner import Duration, Timestamp

SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _AFTER_LAST = -62_135_596_800 * SECOND, 253_402_300_800 * SECOND
_LONGEST = (1 << 63) - 1
"""CEL's durations are 64-bit nanoseconds, some 292 years."""

_UNITS = {"ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 1_000_000}
_UNITS |= {"s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND}
_SPAN = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)")
_MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:([Zz])|([+-])(\d\d):(\d\d))", re.ASCII
)
_LONGEST_TEXT = 100
"""Neither notation needs more characters."""


def checked_timestamp(nanos: int) -> Timestamp:
    """The timestamp, if it lies in the years 1 to 9999."""
    if _FIRST <= nanos < _AFTER_LAST:
        return Timestamp(nanos=nanos)
    msg = "the timestamp lies outside the years 1 to 9999"
    raise Failure(msg)


def checked_duration(nanos: int) -> Duration:
    """The duration, if it is at most some 292 years."""
    if -_LONGEST <= nanos <= _LONGEST:
        return Duration(nanos=nanos)
    msg = "the duration is longer than 292 years"
    raise Failure(msg)


def parse_timestamp(text: str) -> Timestamp:
    """RFC 3339 to a timestamp."""
    match = _MOMENT.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
    if match is None:
        raise Failure(f"{text[:40]!r} is no RFC 3339 time such as 2026-01-31T10:00:00Z")
    *date, fraction, _utc, sign, hours, minutes = match.groups()
    try:
        zone = timezone(timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)) if sign else UTC
        local = datetime(*(int(part) for part in date), tzinfo=UTC)  # type: ignore[arg-type,misc]  # six fields, then tzinfo
    except ValueError:
        raise Failure(f"{text!r} is no time that exists") from None
    whole = (local - _EPOCH) // timedelta(seconds=1) - int(zone.utcoffset(None).total_seconds())
    return checked_timestamp(whole * SECOND + int((fraction or "").ljust(9, "0")))


def parse_duration(text: str) -> Duration:
    """`1h30m`, `-1.5s`, `0` to a duration; units h, m, s, ms, us, ns."""
    body = text.removeprefix("-") if text.startswith("-") else text.removeprefix("+")
    total = 0
    at = 0
    if len(text) <= _LONGEST_TEXT and body != "0":
        while at < len(body) and (match := _SPAN.match(body, at)) and (match[1] or match[2]):
            unit = _UNITS[match[3]]
            total += int(match[1] or "0") * unit + int((match[2] or "0")[:18]) * unit // 10 ** len(
                (match[2] or "0")[:18]
            )
            at = match.end()
    if body != "0" and (at == 0 or at < len(body)):
        raise Failure(f"{text[:40]!r} is no duration such as 90s or 1h30m")
    return checked_duration(-total if text.startswith("-") else total)


def timestamp_text(moment: Timestamp) -> str:
    """RFC 3339 in UTC, without trailing zeros."""
    seconds, nanos = divmod(moment.nanos, SECOND)
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + f"{_fraction(nanos)}Z"


def duration_text(span: Duration) -> str:
    """Seconds, `5400s`, `-1.5s`: every duration has exactly one text."""
    seconds, nanos = divmod(abs(span.nanos), SECOND)
    return f"{'-' if span.nanos < 0 else ''}{seconds}{_fraction(nanos)}s"


def in_zone(moment: Timestamp, zone: tzinfo) -> datetime:
    """The wall clock at `moment`, to the second."""
    return (_EPOCH + timedelta(seconds=moment.nanos // SECOND)).astimezone(zone)


def _fraction(nanos: int) -> str:
    return f".{nanos:09d}".rstrip("0") if nanos else ""
