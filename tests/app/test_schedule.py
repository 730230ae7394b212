"""One scheduler leads, whatever happens to it and to the clock."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from engine.app.schedule import LEASE, START, _Every
from engine.errors import Unavailable
from tests.app.world import NOOP

WAIT = "tasks:\n  pause: {uses: wait, with: {for: 1m}}\n"


def test_one_leads_and_the_other_waits(world):
    one, two = world.scheduler("one"), world.scheduler("two")
    one.run_once()
    instance = world.start(WAIT)
    world.move(61_000)
    one.run_once()  # says that it still leads; and takes the timer
    assert world.state(instance) == "succeeded"
    assert two.run_once() == 0
    other = world.start(WAIT)
    world.move(2_000)
    one.run_once()
    world.move(2_000)
    assert two.run_once() == 0
    assert world.state(other) == "waiting"


def test_a_leader_that_died_is_followed_when_its_lease_has_run_out(world):
    one, two = world.scheduler("one"), world.scheduler("two")
    one.run_once()
    two.run_once()
    instance = world.start(WAIT)
    world.move(LEASE - 2_000)
    two.run_once()
    world.move(60_000)
    assert two.run_once() == 2  # a timer, and the end that it led to
    assert world.state(instance) == "succeeded"


def test_a_leader_that_leaves_is_followed_at_once(world):
    one, two = world.scheduler("one"), world.scheduler("two")
    one.run_once()
    instance = world.start(WAIT)
    world.move(61_000)
    one.run_once()
    other = world.start(WAIT)
    world.move(61_000 - LEASE)
    one.run_once()
    one.close()
    world.move(LEASE)
    assert two.run_once() == 2
    assert (world.state(instance), world.state(other)) == ("succeeded", "succeeded")


def test_two_that_both_believe_to_lead_do_no_harm(world):
    """A leader that was stopped for longer than its lease does not know it yet."""
    one, two = world.scheduler("one"), world.scheduler("two")
    for scheduler in (one, two):
        scheduler._recovery = _Leads(world.recovery)
    instance = world.start(f"tasks:\n  pause: {{uses: wait, with: {{for: 1m}}}}\n  a: {{needs: pause, {NOOP[1:]}}}\n")
    world.move(61_000)
    due = world.recovery.due()
    two._timers._recovery = _Stale(world.recovery, due)
    one.run_once()
    two.run_once()
    assert [command["path"] for command in world.queued()] == ["a"]
    world.check_history(instance)


def test_a_clock_that_is_set_back_stops_nobody(world):
    one, two = world.scheduler("one"), world.scheduler("two")
    world.move(3_600_000)
    one.run_once()
    world.move(-3_600_000)
    instance = world.start(WAIT)
    world.move(61_000)
    two.run_once()  # the lease of one is an hour ahead: it was written before
    assert world.state(instance) == "succeeded"


def test_one_that_has_nothing_to_do_asks_little(world, monkeypatch):
    """A statement for each look, four a second, and fewer for all else: an idle engine must leave its processor alone."""
    scheduler = world.scheduler()
    scheduler.run_once()
    asked: list[str] = []
    look = world.recovery.look

    def noted_look():
        asked.append("the look, which PostgreSQL takes straight from its driver")
        return look()

    monkeypatch.setattr(world.recovery, "look", noted_look)

    def note(_connection, _cursor, sql, *_):
        asked.append(sql)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    for _ in range(40):
        world.move(250)
        scheduler.run_once()
    sa.event.remove(sa.Engine, "before_cursor_execute", note)
    assert 40 <= len(asked) < 120, asked


def test_recovery_and_retention_go_on_while_the_broker_is_down(world):
    world.faults.broker_down = True
    instance = world.start(WAIT)
    world.move(61_000)
    assert world.scheduler().run_once() == 2
    assert world.state(instance) == "succeeded"


def test_an_outage_of_the_database_is_said(world, monkeypatch):
    def away():
        raise Unavailable("the database")

    monkeypatch.setattr(world.recovery, "look", away)
    with pytest.raises(Unavailable):
        world.scheduler().run_once()


def test_what_cannot_be_started_keeps_nothing_else_from_starting_and_is_not_tried_without_end(world):
    """The glance shows that there is something to do for as long as it cannot be done."""
    broken, fine = _Starts(RuntimeError("nobody foresaw this")), _Starts()
    scheduler = world.scheduler()
    scheduler._recovery = _Leads(world.recovery, schedules=True, workflows=True)
    scheduler._starts = {name: (one, _Every(START)) for name, one in (("schedules", broken), ("workflows", fine))}
    assert [scheduler.run_once() for _ in range(3)] == [1, 1, 1]
    assert (broken.rounds, fine.rounds) == (1, 3)
    world.move(START)
    scheduler.run_once()
    assert broken.rounds == 2


def test_what_cannot_be_thrown_away_keeps_nothing_else_from_going(world):
    broken, fine = _Starts(RuntimeError("nobody foresaw this")), _Starts()
    scheduler = world.scheduler()
    scheduler._prunes = (broken, fine)
    scheduler.run_once()
    assert (broken.rounds, fine.rounds) == (1, 1)


class _Starts:
    def __init__(self, error: Exception | None = None) -> None:
        self.rounds = 0
        self._error = error

    def run_once(self) -> int:
        self.rounds += 1
        if self._error is not None:
            raise self._error
        return 1


class _Leads:
    def __init__(self, recovery, **seen):
        self._recovery = recovery
        self._seen = {"timers": True, **seen}

    def lead(self, _holder, _ttl):
        return True

    def look(self):
        return replace(self._recovery.look(), **self._seen)

    def __getattr__(self, name):
        return getattr(self._recovery, name)


class _Stale(_Leads):
    def __init__(self, recovery, due):
        super().__init__(recovery)
        self._due = due

    def due(self, _limit=500):
        return self._due
