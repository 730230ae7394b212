"""A schedule that follows real time comes twice, or not at all, in the hour in which the clocks change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim

from engine.lint.rule import Hit, Rule, Subject

_FIRST, _DAYS = date(2025, 1, 1), 2 * 365
"""Where changes of the clocks are looked for: not "now", so that a file has the same findings every day."""
_DAY = timedelta(days=1)


def check(subject: Subject) -> Iterator[Hit]:
    """Each schedule with a `*` for its minutes and hours of its own, some of which a change of the clocks repeats or skips."""
    for index, schedule in enumerate(subject.definition.schedules):
        minute, hour, *_ = schedule.cron.split()
        if not minute.startswith("*") or hour.startswith("*"):
            continue  # a fixed time comes once, also then; and who asks for every hour gets every hour
        for day in _changes(schedule.timezone):
            words = _difference(schedule.cron, schedule.timezone, day)
            if words:
                message = f"where the clocks of {schedule.timezone} change ({day}) {words}"
                yield Hit(path=("on", "schedule", index, "cron"), message=message, at_key=False)
                break


def _difference(cron: str, zone: str, day: date) -> str:
    """How the times of one day differ from those on the clock of a day without change."""
    wanted, real = _times(cron, "UTC", day), _times(cron, zone, day)
    twice = [time for time, times in real.items() if times > 1]
    missed = [time for time in wanted if time not in real]
    if twice:
        return f"this comes twice at {_listing(twice)}"
    return f"this does not come at {_listing(missed)}" if missed else ""


def _times(cron: str, zone: str, day: date) -> Counter[str]:
    begin = datetime.combine(day, datetime.min.time(), ZoneInfo(zone))
    moments = takewhile(lambda moment: moment.date() == day, CronSim(cron, begin - timedelta(minutes=1)))
    return Counter(moment.strftime("%H:%M") for moment in moments)


def _listing(times: list[str]) -> str:
    return f"{times[0]} to {times[-1]}" if len(times) > 1 else times[0]


@cache
def _changes(zone: str) -> tuple[date, ...]:
    """The days of two years on which the clocks of a zone change."""
    days = [_FIRST + number * _DAY for number in range(_DAYS)]
    offsets = [datetime.combine(day, datetime.min.time(), ZoneInfo(zone)).utcoffset() for day in days]
    return tuple(day for day, (one, other) in zip(days, pairwise(offsets), strict=False) if one != other)


RULE = Rule(
    id="clock-change",
    summary="A schedule comes twice, or not at all, where the clocks change.",
    severity="info",
    why=(
        "A fixed time of day comes once, whatever the clocks do: one that is skipped comes right after the gap. With `*` or "
        "`*/n` for the minutes a schedule follows real time instead, and an hour that is repeated or skipped shows. "
        "Choose hours that the change leaves alone, or UTC, if that matters."
    ),
    before="""\
name: bad
on: {schedule: [{cron: "*/15 1-3 * * *", timezone: Europe/Paris}]}
defaults: {timeout: 10m}
tasks:
  load: {run: load-sales}
""",
    after="""\
name: good
on: {schedule: [{cron: "*/15 1-3 * * *", timezone: UTC}, {cron: "30 2 * * *", timezone: Europe/Paris}]}
defaults: {timeout: 10m}
tasks:
  load: {run: load-sales}
""",
    check=check,
)
