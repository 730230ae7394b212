"""What `on.schedule` starts, by the time of the database."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

import pytest
from structlog.testing import capture_logs

from engine.app.trigger_ports import ScheduleRow
from engine.core.expressions.model import Literal, MapOf
from engine.core.model import ScheduleTrigger
from engine.errors import Unavailable
from tests.app.world import NOOP, World
from tests.core.build import cel

TEXT = f"name: w\ninputs: {{at: {{type: string, default: none}}}}\ntasks:\n  a: {NOOP}}}\n"
HOUR = 3_600_000


@pytest.fixture
def starts(world: World):
    return world.scheduled()


def go(world: World, text: str) -> None:
    """Move the database's time to a moment to come."""
    wanted = int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
    world.move(wanted - world.recovery.now())


def load(world: World, *entries: ScheduleTrigger, **changes: Any) -> None:
    world.load(TEXT, w={"schedules": entries, **changes})


def every(cron: str = "0 * * * *", **keys: Any) -> ScheduleTrigger:
    return ScheduleTrigger(cron=cron, **keys)


def row(world: World) -> ScheduleRow:
    (one,) = world.instances.schedules.all()
    return one


def fired(world: World) -> list[str]:
    return [one.trigger["scheduled_at"][5:16] for one in world.reader.list()][::-1]


def test_a_new_entry_counts_from_when_it_is_first_seen(world, starts):
    go(world, "2030-01-01T10:30:00")
    load(world, every())
    assert starts.run_once() == 0
    assert starts.run_once() == 0
    go(world, "2030-01-01T11:00:01")
    assert starts.run_once() == 1
    assert starts.run_once() == 0
    (instance,) = world.reader.list()
    assert instance.started_by == "schedule:0 * * * *"
    trigger = instance.trigger
    assert trigger.pop("received_at")[:18] == "2030-01-01T11:00:0"
    key = f"schedule:w:{row(world).entry}:2030-01-01T11:00:00.000Z"
    assert trigger == {
        "source": "schedule",
        "event": "0 * * * *",
        "headers": {},
        "body": {},
        "id": key,
        "scheduled_at": "2030-01-01T11:00:00.000Z",
    }
    assert world.reader.by_start_key(key).id == instance.id == row(world).last_instance


def test_inputs_are_rendered(world, starts):
    go(world, "2030-01-01T10:30:00")
    inputs = MapOf(items=(("at", cel("trigger.scheduled_at + vars.suffix")),))
    load(world, every(inputs=inputs), vars={"suffix": "!"})
    starts.run_once()
    go(world, "2030-01-01T11:00:01")
    starts.run_once()
    assert world.reader.list()[0].inputs == {"at": "2030-01-01T11:00:00.000Z!"}


def test_a_zone_of_its_own(world, starts):
    go(world, "2030-03-30T20:00:00")
    load(world, every("30 2 * * *", timezone="Europe/Paris"))
    starts.run_once()
    for hour in ("2030-03-31T00:45:00", "2030-03-31T01:00:01", "2030-03-31T01:45:00", "2030-04-01T00:30:01"):
        go(world, hour)  # on the 31st Paris has no 02:30
        starts.run_once()
        world.work()
    assert fired(world) == ["03-31T01:00", "04-01T00:30"]


def test_what_overlaps_is_skipped_and_recorded(world, starts):
    go(world, "2030-01-01T10:30:00")
    load(world, every())
    starts.run_once()
    for hour in ("2030-01-01T11:00:01", "2030-01-01T12:00:01"):
        go(world, hour)
        starts.run_once()
    first = row(world).last_instance
    assert fired(world) == ["01-01T11:00"]
    assert row(world).error == f"skipped: {first}, the instance of the time before, had not ended"
    world.work()
    go(world, "2030-01-01T13:00:01")
    starts.run_once()
    assert fired(world) == ["01-01T11:00", "01-01T13:00"]
    assert row(world).error is None


def test_one_waits_in_the_queue_and_it_is_the_newest(world, starts):
    go(world, "2030-01-01T10:30:00")
    load(world, every(overlap="queue"))
    starts.run_once()
    for hour in ("2030-01-01T11:00:01", "2030-01-01T12:00:01", "2030-01-01T13:00:01"):
        go(world, hour)
        starts.run_once()
        assert starts.run_once() == 0
    assert fired(world) == ["01-01T11:00"]
    world.work()
    assert starts.run_once() == 1
    assert fired(world) == ["01-01T11:00", "01-01T13:00"]
    world.work()
    assert starts.run_once() == 0
    assert row(world).pending_at is None


def test_the_one_before_is_cancelled_once_and_its_end_waited_for(world, starts):
    go(world, "2030-01-01T10:30:00")
    text = TEXT + f"finally:\n  clean: {NOOP}}}\n"
    world.load(text, w={"schedules": (every(overlap="cancel"),)})
    starts.run_once()
    for hour in ("2030-01-01T11:00:01", "2030-01-01T12:00:01"):
        go(world, hour)
        starts.run_once()
    first = row(world).last_instance
    assert world.scope(first)["cancel"]["by"] == "schedule:0 * * * *"
    world.move(20_000)
    world.wait_for_timers()  # the task is given up, `finally` is open
    go(world, "2030-01-01T13:00:01")
    starts.run_once()
    assert "cancel" not in world.scope(first, "finally")
    assert fired(world) == ["01-01T11:00"]
    world.work()
    assert world.state(first) == "cancelled"
    starts.run_once()
    assert fired(world) == ["01-01T11:00", "01-01T13:00"]


def test_all_may_run_at_once(world, starts):
    go(world, "2030-01-01T10:30:00")
    load(world, every(overlap="allow"))
    starts.run_once()
    for hour in ("2030-01-01T11:00:01", "2030-01-01T12:00:01"):
        go(world, hour)
        starts.run_once()
    assert fired(world) == ["01-01T11:00", "01-01T12:00"]


@pytest.mark.parametrize(
    ("keys", "until", "expected"),
    [
        ({}, "14:00:50", ["01-01T14:00"]),
        ({}, "14:01:05", []),
        ({"overlap": "allow"}, "14:00:50", ["01-01T14:00"]),
        ({"catch_up": HOUR}, "14:30:00", ["01-01T14:00"]),
        ({"catch_up": 10 * HOUR}, "14:30:00", ["01-01T14:00"]),
        ({"catch_up": HOUR, "overlap": "allow"}, "14:30:00", ["01-01T14:00"]),
        ({"catch_up": 2 * HOUR, "overlap": "allow"}, "14:30:00", ["01-01T13:00", "01-01T14:00"]),
        ({"catch_up": 10 * HOUR, "overlap": "queue"}, "14:30:00", ["01-01T14:00"]),
    ],
)
def test_what_was_missed_counts_for_as_long_as_it_says(world, starts, keys, until, expected):
    go(world, "2030-01-01T10:30:00")
    load(world, every(**keys))
    starts.run_once()
    go(world, f"2030-01-01T{until}")
    assert starts.run_once() == 1
    assert fired(world) == expected
    assert (row(world).error or "").startswith("missed") == (not expected)
    assert row(world).next_at == int(datetime(2030, 1, 1, 15, tzinfo=UTC).timestamp() * 1000)


def test_at_most_a_hundred_are_made_up_for(world, starts):
    go(world, "2030-01-01T10:30:00")
    load(world, every("* * * * *", overlap="allow", catch_up=10 * HOUR))
    starts.run_once()
    go(world, "2030-01-01T14:00:01")
    starts.run_once()
    assert len(world.reader.list(limit=200)) == 100
    assert max(fired(world)) == "01-01T14:00"


def test_a_crash_between_the_start_and_the_row_starts_nothing_twice(world, starts, monkeypatch):
    go(world, "2030-01-01T10:30:00")
    load(world, every())
    starts.run_once()
    go(world, "2030-01-01T11:00:01")
    with monkeypatch.context() as patch:
        patch.setattr(starts._schedules, "put", _away)
        with pytest.raises(Unavailable):
            starts.run_once()
    assert fired(world) == ["01-01T11:00"]
    assert world.scheduled().run_once() == 1  # the first one still runs, and is no overlap with itself
    assert fired(world) == ["01-01T11:00"]
    assert row(world).last_instance == world.reader.list()[0].id
    assert row(world).error is None


def test_a_lost_answer_starts_nothing_twice(world, starts):
    go(world, "2030-01-01T10:30:00")
    load(world, every())
    starts.run_once()
    go(world, "2030-01-01T11:00:01")
    world.faults.answer_lost = True
    with pytest.raises(Unavailable):
        starts.run_once()
    starts.run_once()
    assert fired(world) == ["01-01T11:00"]


def test_two_that_believe_to_lead_start_one(world, starts, monkeypatch):
    go(world, "2030-01-01T10:30:00")
    load(world, every())
    starts.run_once()
    go(world, "2030-01-01T11:00:01")
    other, before = world.scheduled(), world.instances.schedules.all()
    starts.run_once()
    monkeypatch.setattr(world.instances.schedules, "all", lambda: before)
    other.run_once()
    assert fired(world) == ["01-01T11:00"]


def test_a_refused_start_is_recorded_and_holds_up_nobody(world, starts):
    go(world, "2030-01-01T10:30:00")
    bad, broken = Literal(value={"at": 7}), MapOf(items=(("at", cel("vars.nothing")),))
    load(world, every(inputs=bad), every(), every(inputs=broken))
    starts.run_once()
    go(world, "2030-01-01T11:00:01")
    assert starts.run_once() == 3
    assert fired(world) == ["01-01T11:00"]
    errors = sorted(one.error or "" for one in world.instances.schedules.all())
    assert errors[0] == ""
    assert "the inputs of w do not fit: /at: " in errors[1]
    assert "w0.yaml:7:" in errors[2]
    assert "an expression has no value" in errors[2]


def test_a_schedule_that_cannot_be_kept_holds_up_nobody(world, starts):
    go(world, "2030-01-01T10:30:00")
    load(world, every(timezone="Mars/Olympus"), every())
    starts.run_once()
    go(world, "2030-01-01T11:00:01")
    starts.run_once()
    assert fired(world) == ["01-01T11:00"]
    assert {one.error for one in world.instances.schedules.all()} >= {None}
    assert any("Mars/Olympus" in (one.error or "") for one in world.instances.schedules.all())


def test_a_zone_that_a_leader_does_not_know_is_asked_for_again_and_told_of_once(world, starts, monkeypatch):
    """A machine may lack the zones that the next leader has."""
    go(world, "2030-01-01T10:30:00")
    load(world, every(timezone="Europe/Paris"))
    with monkeypatch.context() as without, capture_logs() as logs:
        without.setattr("engine.app.cron.ZoneInfo", _unknown)
        assert [starts.run_once() for _ in range(3)] == [0, 0, 0]
        assert row(world).next_at is None
        assert "Europe/Paris" in (row(world).error or "")
    assert [one["event"] for one in logs] == ["schedule cannot be kept"]
    assert [starts.run_once(), starts.run_once()] == [1, 0]
    assert row(world).error is None
    go(world, "2030-01-01T11:00:01")
    assert starts.run_once() == 1
    assert fired(world) == ["01-01T11:00"]


def test_a_time_that_was_known_needs_no_zone_and_the_next_one_is_found_with_it(world, starts, monkeypatch):
    go(world, "2030-01-01T10:30:00")
    load(world, every(timezone="Europe/Paris", overlap="queue"))
    starts.run_once()
    for hour in (11, 12):
        go(world, f"2030-01-01T{hour}:00:01")
        starts.run_once()
    with monkeypatch.context() as without:
        without.setattr("engine.app.cron.ZoneInfo", _unknown)
        go(world, "2030-01-01T13:00:01")
        starts.run_once()
        assert row(world).pending_at is not None
        world.work()
        starts.run_once()
    assert fired(world) == ["01-01T11:00", "01-01T13:00"]
    starts.run_once()
    assert row(world).next_at == int(datetime(2030, 1, 1, 14, tzinfo=UTC).timestamp() * 1000)


def test_an_entry_keeps_its_place_unless_it_becomes_another(world, starts):
    go(world, "2030-01-01T10:30:00")
    load(world, every())
    starts.run_once()
    name = row(world).entry
    go(world, "2030-01-01T10:59:00")
    load(world, every(overlap="queue", catch_up=HOUR))  # how it is done, not what
    starts.run_once()
    assert row(world).entry == name
    load(world, every(inputs=Literal(value={"at": "x"})))
    starts.run_once()
    assert row(world).entry != name
    load(world)
    starts.run_once()
    assert world.instances.schedules.all() == []


def test_a_version_of_a_newer_engine_keeps_its_rows(world, starts):
    go(world, "2030-01-01T10:30:00")
    load(world, every())
    starts.run_once()
    kept = row(world)
    world.sql("UPDATE workflow_versions SET document = ?, digest = 'new'", '{"made_by": "a newer engine"}')
    world.timetable._known.clear()
    go(world, "2030-01-01T11:00:01")
    assert starts.run_once() == 0
    assert row(world) == kept


def test_a_round_is_short_and_the_next_goes_on(world, starts, monkeypatch):
    monkeypatch.setattr("engine.app.schedules.AT_ONCE", 2)
    go(world, "2030-01-01T10:30:00")
    load(world, *(every(inputs=Literal(value={"at": str(number)})) for number in range(3)))
    starts.run_once()
    go(world, "2030-01-01T11:00:01")
    assert [starts.run_once() for _ in range(3)] == [2, 1, 0]
    assert len(fired(world)) == 3


def test_a_schedule_as_it_is_written(world, starts):
    go(world, "2030-01-01T10:30:00")
    world.load(
        "name: w\ninputs: {at: {type: string}}\n"
        "on:\n  schedule:\n"
        '    - {cron: "0 12 * * mon-fri", timezone: Europe/Paris, overlap: allow, catch_up: 1h,'
        ' inputs: {at: "${{ trigger.scheduled_at }}"}}\n'
        f"tasks:\n  a: {NOOP}}}\n"
    )
    starts.run_once()
    go(world, "2030-01-01T11:30:00")
    starts.run_once()
    assert world.reader.list()[0].inputs == {"at": "2030-01-01T11:00:00.000Z"}


def test_the_timetable_shows_what_comes(world, starts):
    go(world, "2030-01-01T10:30:00")
    load(world, every(timezone="Europe/Paris"), every("0 0 1 1 *"))
    starts.run_once()
    hourly, yearly = world.timetable.planned()
    assert [datetime.fromtimestamp(at / 1000, UTC).hour for at in hourly.upcoming] == [11, 12, 13, 14, 15]
    assert (hourly.entry.timezone, hourly.row.workflow) == ("Europe/Paris", "w")
    assert [datetime.fromtimestamp(at / 1000, UTC).year for at in yearly.upcoming] == [2031, 2032, 2033, 2034, 2035]
    assert world.timetable.planned("other") == []


def test_the_scheduler_that_leads_starts_them(world):
    scheduler = world.scheduler()
    go(world, "2030-01-01T10:30:00")
    load(world, every())
    scheduler.run_once()
    go(world, "2030-01-01T11:00:01")
    assert scheduler.run_once() == 1
    assert world.scheduler("two").run_once() == 0
    assert fired(world) == ["01-01T11:00"]


def test_an_outage_of_the_definitions_keeps_no_timer_waiting(world, monkeypatch):
    scheduler = world.scheduler()
    instance = world.start("tasks:\n  pause: {uses: wait, with: {for: 1m}}\n")
    world.move(61_000)
    monkeypatch.setattr(world.definitions, "listeners", _away)
    assert scheduler.run_once() >= 1
    assert world.state(instance) == "succeeded"


def _unknown(name: str) -> Any:
    raise ZoneInfoNotFoundError(name)


def _away(*_args: object) -> Any:
    raise Unavailable("the database", f"at {time.monotonic()}")
