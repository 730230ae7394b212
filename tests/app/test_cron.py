"""Times of cron expressions, above all where clocks change."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.app.cron import past, upcoming


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def utc(times: list[int]) -> list[str]:
    return [datetime.fromtimestamp(at / 1000, UTC).isoformat()[5:16] for at in times]


CASES = [
    ("30 2 * * *", "2026-03-28T12:00", ["03-29T01:00", "03-30T00:30"]),  # skipped: once, right after
    ("30 2 * * *", "2026-10-24T12:00", ["10-25T00:30", "10-26T01:30"]),  # doubled: once
    ("0 3 * * *", "2026-03-28T12:00", ["03-29T01:00", "03-30T01:00"]),
    ("0 2 * * *", "2026-10-24T12:00", ["10-25T00:00", "10-26T01:00"]),
    ("0 1-3 * * *", "2026-03-28T12:00", ["03-29T00:00", "03-29T01:00", "03-29T23:00"]),
    ("30 * * * *", "2026-03-29T00:00", ["03-29T00:30", "03-29T01:30", "03-29T02:30"]),  # every hour that there is
    ("30 * * * *", "2026-10-25T00:00", ["10-25T00:30", "10-25T01:30", "10-25T02:30"]),
    ("30 6 * * mon-fri", "2026-11-27T12:00", ["11-30T05:30", "12-01T05:30"]),
    ("0 0 29 2 *", "2026-01-01T00:00", ["02-28T23:00"]),  # of 2028
]


@pytest.mark.parametrize(("cron", "after", "expected"), CASES)
def test_next_times(cron: str, after: str, expected: list[str]):
    assert utc(upcoming(cron, "Europe/Paris", after=ms(after), number=len(expected))) == expected


@pytest.mark.parametrize(("cron", "after", "expected"), CASES)
def test_times_that_are_over_are_the_same(cron: str, after: str, expected: list[str]):
    times = upcoming(cron, "Europe/Paris", after=ms(after), number=len(expected))
    assert past(cron, "Europe/Paris", since=ms(after) + 1, until=times[-1], number=10) == times
    assert past(cron, "Europe/Paris", since=ms(after) + 1, until=times[-1] + 59_999, number=1) == times[-1:]


def test_both_ends_of_a_span_count():
    noon = ms("2026-01-01T12:00")
    assert past("* * * * *", "UTC", since=noon, until=noon, number=5) == [noon]
    assert past("* * * * *", "UTC", since=noon + 1, until=noon + 59_999, number=5) == []
    assert len(past("* * * * *", "UTC", since=0, until=noon, number=100)) == 100
    assert upcoming("* * * * *", "UTC", after=noon) == [noon + 60_000]


@pytest.mark.parametrize(
    ("cron", "zone"), [("61 * * * *", "UTC"), ("* * * * *", "Europe/Pariss"), ("* * * * *", "../x"), ("", "UTC")]
)
def test_what_is_no_schedule_is_said(cron: str, zone: str):
    with pytest.raises(ValueError, match="is no schedule"):
        upcoming(cron, zone, after=0)
