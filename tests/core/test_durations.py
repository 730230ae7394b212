"""Spans and times as people write them."""

from __future__ import annotations

import pytest

from engine.core.durations import duration, instant


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10s", 10_000),
        ("5m", 300_000),
        ("2h", 7_200_000),
        ("7d", 604_800_000),
        ("1h30m", 5_400_000),
        ("500ms", 500),
        ("1m500ms", 60_500),
        ("PT1H30M", 5_400_000),
        ("P7D", 604_800_000),
        ("P2W", 1_209_600_000),
        ("P1DT0.5S", 86_400_500),
        ("0s", 0),
        (1_500, 1_500),
    ],
)
def test_what_can_be_read(text, expected):
    assert duration(text) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "P",
        "PT",
        "P1DT",
        "10",
        "s",
        "1.5s",
        "10s5m",
        "1y",
        "P1Y",
        "P1M",
        "-5s",
        "٣s",
        "1h 30m",
        "4000d",
        -1,
        1.5,
        True,
        None,
        [],
    ],
)
def test_what_cannot(value):
    with pytest.raises(ValueError):
        duration(value)


def test_times_have_an_offset():
    assert instant("1970-01-01T00:00:01Z") == instant("1970-01-01T01:00:01+01:00") == 1_000
    for value in ("1970-01-01T00:00:01", "1970-01-01", "soon", "", None, 5, "10000-01-01T00:00:00Z"):
        with pytest.raises(ValueError):
            instant(value)
