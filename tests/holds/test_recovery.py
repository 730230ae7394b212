"""The scheduler's port: one leader, due timers, what was left behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

from engine.adapters.databases.connect import InstancesDatabase
from engine.adapters.databases.timers import STEP
from engine.app.event_ports import NewEvent
from engine.app.records import Record
from engine.app.trigger_ports import ScheduleRow
from tests.holds.given import delivery, finish, message, receive, record, scope, started, state
from tests.servers import wait_until


def test_one_leads_until_its_lease_runs_out_or_it_resigns(stores: InstancesDatabase):
    recovery = stores.recovery
    assert recovery.lead("a", 60_000)
    assert recovery.lead("a", 60_000)
    assert not recovery.lead("b", 60_000)
    recovery.resign("b")
    assert not recovery.lead("b", 60_000)
    recovery.resign("a")
    assert recovery.lead("b", 50)
    wait_until(lambda: recovery.lead("a", 60_000), what="the lease's end")
    assert not recovery.lead("b", 60_000)


def test_of_many_candidates_one_leads(stores: InstancesDatabase):
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda name: stores.recovery.lead(name, 60_000), "abcdef"))
    assert answers.count(True) == 1


def test_due_scopes_come_oldest_first_and_never_early(stores: InstancesDatabase):
    now = stores.recovery.now()
    record(stores, started("late", due=now - 5_000), started("later", due=now - 9_000), started("never"))
    record(stores, started("soon", due=now + 60_000))
    assert [(due.instance, due.path) for due in stores.recovery.due()] == [("later", ""), ("late", "")]
    assert stores.recovery.due(1)[0].state == state()
    record(stores, Record(scopes=[scope("late", 2), scope("later", 2, due=now + 60_000)]))
    assert stores.recovery.due() == []


def test_a_glance_shows_what_there_is_to_do(stores: InstancesDatabase):
    quiet = stores.recovery.look()
    assert abs(quiet.now - stores.recovery.now()) < 60_000
    shown = {"timers": False, "events": False, "workflows": False, "schedules": False}
    assert asdict(quiet) == {"now": quiet.now, **shown}
    record(stores, started("later", due=quiet.now + 60_000))
    stores.schedules.put(ScheduleRow(workflow="w", entry="e", next_at=quiet.now + 60_000))
    assert not any(list(asdict(stores.recovery.look()).values())[1:])
    record(stores, started("due", due=quiet.now - 60_000))
    stores.schedules.put(ScheduleRow(workflow="w", entry="e", next_at=quiet.now - 1))
    finish(stores, "later", at=1)
    event = NewEvent(id="e1", type="t", source="api", body=1, by="ana")
    stores.events.publish(event, message("m1"))
    assert list(asdict(stores.recovery.look()).values())[1:] == [True] * 4
    stores.schedules.put(ScheduleRow(workflow="w", entry="e", next_at=None, pending_at=5))
    assert stores.recovery.look().schedules


def test_a_timer_is_at_most_one_step_late(stores: InstancesDatabase):
    due = stores.recovery.now() + 20
    record(stores, started("i1", due=due))
    wait_until(stores.recovery.due, what="the timer")
    assert due <= stores.recovery.now() <= due + STEP + 5_000


def test_live_scopes_come_in_key_order_page_by_page(stores: InstancesDatabase):
    names = [f"i{number}" for number in range(5)]
    record(stores, *(started(name) for name in names))
    record(stores, Record(scopes=[scope("i2", 1, path="finally"), scope("i3", 2, status="settled")]))
    found, after = [], None
    while page := stores.recovery.live(after, 2):
        found += [(one.instance, one.path) for one in page]
        after = found[-1]
    assert found == [("i0", ""), ("i1", ""), ("i2", ""), ("i2", "finally"), ("i4", "")]


def test_deliveries_left_behind_are_found(stores: InstancesDatabase):
    receive(stores, delivery("e1"))
    assert stores.recovery.received(60_000) == []
    assert [one.id for one in stores.recovery.received(0)] == ["e1"]


def test_a_mark_gives_back_the_one_before(stores: InstancesDatabase):
    assert stores.recovery.mark("broker", "g1") is None
    assert stores.recovery.mark("broker", "g1") == "g1"
    assert stores.recovery.mark("broker", "g2") == "g1"
    assert stores.recovery.mark("other", "x") is None


def test_marks_of_many_at_once_form_a_chain(stores: InstancesDatabase):
    values = [str(number) for number in range(12)]
    with ThreadPoolExecutor(4) as threads:
        before = list(threads.map(lambda value: stores.recovery.mark("broker", value), values))
    last = stores.recovery.mark("broker", "end")
    assert sorted([*before, last], key=str) == sorted([None, *values], key=str)
