"""Slots, turns and kept outputs: never more than the limit, first come first served, and nobody blocks after its end."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from engine.adapters.databases.connect import InstancesDatabase
from engine.app.gate_ports import SharedGates
from engine.app.kept_outputs import ForgottenOutputs, KeptOutputs
from engine.app.records import Claim, Record, SlotVerdict, SlotWish
from tests.holds.given import finish, prune, record, started

LIVES = ("i1", "i2", "i3", "i4", "i5")
MINUTE = 60_000


@pytest.fixture
def live(stores: InstancesDatabase) -> InstancesDatabase:
    record(stores, *(started(name) for name in LIVES))
    return stores


def claim(instance: str, path: str = "a", attempt: int = 1) -> Claim:
    return Claim(instance=instance, path=path, attempt=attempt)


def within(stores: InstancesDatabase, act: Callable[[SharedGates, int], Any]) -> Any:
    """In a transaction of its own."""
    with stores.store.lock([]) as locked:
        answer = act(locked.gates, locked.now)
        locked.record(Record())
    return answer


def take(
    stores: InstancesDatabase,
    instance: str,
    path: str = "a",
    *,
    group: str = "g",
    when_full: Any = "queue",
    limit: int = 1,
    attempt: int = 1,
    later: int = 0,
) -> SlotVerdict:
    wish = SlotWish(group=group, limit=limit, when_full=when_full, claim=claim(instance, path, attempt))
    verdict: SlotVerdict = within(stores, lambda gates, now: gates.take_slot(wish, now + later))
    return verdict


def release(stores: InstancesDatabase, instance: str, path: str = "a", group: str = "g") -> list[Claim]:
    return list(within(stores, lambda gates, _: gates.release_slot(group, instance, path)))


def turn(stores: InstancesDatabase, at: int, *, limit: int = 3, per: int = MINUTE, group: str = "api") -> int:
    due: int = within(stores, lambda gates, _: gates.take_turn(group, limit, per, at))
    return due


def rows(stores: InstancesDatabase, table: str) -> int:
    import sqlalchemy as sa

    with stores._database.reading() as connection:
        return int(connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_first_come_first_served_and_a_release_lets_the_next_in(live):
    assert take(live, "i1").answer == "granted"
    assert [take(live, name).answer for name in ("i2", "i3", "i4")] == ["waiting"] * 3
    assert take(live, "i5", group="another").answer == "granted"
    assert release(live, "i3") == [], "who only waits lets nobody in"
    assert release(live, "i1") == [claim("i2")]
    assert release(live, "i1") == [], "it has none any more"
    assert release(live, "i2") == [claim("i4")]
    assert release(live, "i4") == []
    assert release(live, "i5", group="another") == []
    assert (rows(live, "slots"), rows(live, "slot_groups")) == (0, 0)


def test_asking_again_changes_nothing_but_the_attempt(live):
    take(live, "i1")
    assert take(live, "i1", attempt=2) == SlotVerdict(answer="granted")
    take(live, "i2")
    take(live, "i3")
    assert take(live, "i2", attempt=4).answer == "waiting"
    assert release(live, "i1") == [claim("i2", attempt=4)], "it has kept its place"
    assert take(live, "i2", attempt=4).answer == "granted", "the word that it has one may be lost"


def test_tasks_of_one_instance_are_told_apart_and_let_in_where_their_instance_has_the_slot(live):
    assert take(live, "i1").answer == "granted"
    assert take(live, "i1", "b").answer == "waiting"
    assert take(live, "i2", "", group="whole").answer == "granted"
    assert take(live, "i2", "a", group="whole").answer == "granted"
    assert take(live, "i3", "a", group="whole").answer == "waiting"
    assert release(live, "i2", "a", group="whole") == [], "it had none of its own"
    assert release(live, "i2", "", group="whole") == [claim("i3")]


def test_the_limit_of_the_newest_wish_counts(live):
    assert [take(live, name, limit=2).answer for name in ("i1", "i2", "i3")] == ["granted", "granted", "waiting"]
    assert take(live, "i4", limit=4) == SlotVerdict(answer="granted", granted=(claim("i3"),))
    assert take(live, "i5", limit=1).answer == "waiting"
    assert [release(live, name) for name in ("i1", "i2", "i3")] == [[], [], []]
    assert release(live, "i4") == [claim("i5")]


def test_reject_refuses_and_leaves_nothing_behind(live):
    take(live, "i1")
    assert take(live, "i2", when_full="reject").answer == "refused"
    assert release(live, "i1") == []
    assert take(live, "i2", when_full="reject").answer == "granted"


def test_cancel_running_displaces_all_but_the_newest(live):
    take(live, "i1")
    take(live, "i2")
    verdict = take(live, "i3", when_full="cancel_running")
    assert verdict == SlotVerdict(answer="waiting", displaced=(claim("i1"), claim("i2")))
    assert release(live, "i1") == [claim("i3")], "who was told to go is not let in"
    assert release(live, "i2") == []
    assert take(live, "i4", when_full="cancel_running").displaced == (claim("i3"),)
    assert take(live, "i4", when_full="cancel_running").displaced == (claim("i3"),), "the word may be lost"
    assert release(live, "i3") == [claim("i4")]
    assert take(live, "i4", when_full="cancel_running") == SlotVerdict(answer="granted")


def test_cancel_running_with_a_limit_leaves_the_newest_so_many(live):
    for name in ("i1", "i2"):
        take(live, name, limit=2, when_full="cancel_running")
    assert take(live, "i3", limit=2, when_full="cancel_running").displaced == (claim("i1"),)
    assert take(live, "i4", limit=2, when_full="cancel_running").displaced == (claim("i1"), claim("i2"))
    assert release(live, "i1") == [claim("i3")]
    assert release(live, "i2") == [claim("i4")]


def test_who_has_ended_or_is_gone_blocks_nobody_for_ever(live):
    take(live, "i1")
    take(live, "i2")
    finish(live, "i1", at=5)
    assert take(live, "i3").answer == "waiting"
    assert take(live, "i2", later=1_000).answer == "granted", "who asks again finds out"
    take(live, "never was", group="h")
    assert take(live, "i3", group="h", when_full="reject", later=1_000).answer == "granted"


def test_claims_of_the_same_transaction_are_not_taken_for_those_of_the_dead(stores):
    def both(gates: SharedGates, now: int) -> list[str]:
        wishes = [SlotWish(group="g", limit=1, when_full="reject", claim=claim(name)) for name in ("new1", "new2")]
        return [gates.take_slot(wish, now).answer for wish in wishes]

    assert within(stores, both) == ["granted", "refused"]


def test_a_transaction_that_is_rolled_back_gives_nothing(live):
    with live.store.lock([]) as locked:
        wish = SlotWish(group="g", limit=1, when_full="queue", claim=claim("i1"))
        assert locked.gates.take_slot(wish, locked.now).answer == "granted"
        locked.gates.take_turn("api", 1, MINUTE, locked.now)
    assert take(live, "i2").answer == "granted"
    assert rows(live, "rate_limits") == 0


def test_whoever_takes_at_once_the_limit_is_never_exceeded_and_everybody_has_its_turn(live):
    takers, limit = 24, 3
    let_in: list[str] = []

    def one(number: int) -> None:
        verdict = take(live, "i1", f"t{number}", limit=limit)
        let_in.extend([f"t{number}"] * (verdict.answer == "granted"))
        let_in.extend(other.path for other in verdict.granted)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(takers)))
    assert len(let_in) == limit
    for n in range(takers):
        let_in.extend(other.path for other in release(live, "i1", let_in[n]))
        assert len(let_in) - (n + 1) == min(limit, takers - n - 1)
    assert sorted(let_in) == sorted(f"t{number}" for number in range(takers))


def test_any_span_of_a_rate_limit_holds_at_most_so_many_starts(live):
    start = 1_000_000
    dues = [turn(live, start + n) for n in range(8)]
    assert dues == [start, start + 1, start + 2] + [start + MINUTE + n for n in range(3)] + [
        start + 2 * MINUTE,
        start + 2 * MINUTE + 1,
    ]
    assert turn(live, start + 10 * MINUTE) == start + 10 * MINUTE, "what was not used is not saved up"
    dues = [turn(live, start + 10 * MINUTE) for _ in range(3)]
    assert dues == [start + 10 * MINUTE] * 2 + [start + 11 * MINUTE]
    assert turn(live, start, group="another") == start
    assert rows(live, "rate_turns") == 4, "only those that still count are kept"


def test_takers_of_turns_at_once_get_different_ones(live):
    with ThreadPoolExecutor(8) as pool:
        dues = list(pool.map(lambda _: turn(live, 1_000_000, limit=2, per=1_000), range(20)))
    assert sorted(dues) == sorted(1_000_000 + 1_000 * n for n in range(10) for _ in range(2))


def test_a_success_is_found_by_workflow_path_and_key_while_it_is_fresh(live):
    kept = KeptOutputs(workflow="w", path="a", key="k", outputs={"n": 1}, at=1_000)
    record(live, Record(kept=[kept]))
    look = lambda *where: within(live, lambda gates, _: gates.look_up(*where))  # noqa: E731
    assert look("w", "a", "k", None) == (True, {"n": 1})
    assert look("w", "a", "k", 1_000) == (True, {"n": 1})
    assert look("w", "a", "k", 1_001) == (False, None)
    for other in (("v", "a", "k"), ("w", "b", "k"), ("w", "a", "l")):
        assert look(*other, None) == (False, None)
    record(live, Record(kept=[KeptOutputs(workflow="w", path="a", key="k", outputs=None, at=2_000)]))
    assert look("w", "a", "k", 1_001) == (True, None), "the newest counts"


def test_what_is_undone_is_not_found_any_more(live):
    def keep(*where):
        path, key = where
        return KeptOutputs(workflow="w", path=path, key=key, outputs=path, at=1_000)

    def found(*where):
        return within(live, lambda gates, _: gates.look_up("w", *where, None))[0]

    places = [
        ("g_a", "k"),
        ("g_a", "l"),
        ("g_a/b", "k"),
        ("g_a[eu]", "k"),
        ("g_a#2/c", "k"),
        ("gxa/b", "k"),
        ("g_ab", "k"),
    ]
    record(live, Record(kept=[keep(*place) for place in places]))
    record(live, Record(forgotten=[ForgottenOutputs(workflow="v", path="g_a", key=None)]))
    record(live, Record(forgotten=[ForgottenOutputs(workflow="w", path="g_a", key="k")]))
    assert [place for place in places if not found(*place)] == [("g_a", "k")]
    record(live, Record(forgotten=[ForgottenOutputs(workflow="w", path="g_a", key=None)], kept=[keep("g_a/b", "new")]))
    assert [place for place in places if found(*place)] == [("g_a", "l"), ("gxa/b", "k"), ("g_ab", "k")]
    assert found("g_a/b", "new"), "what is kept in the same transaction came after it"


def test_what_is_old_is_pruned(live):
    take(live, "i1")
    finish(live, "i1", at=5)
    turn(live, 1_000)
    record(live, Record(kept=[KeptOutputs(workflow="w", path="a", key="k", outputs=1, at=at) for at in (10,)]))
    turn(live, live.recovery.now() + MINUTE, group="busy")
    prune(live, before=11)
    assert rows(live, "slots") == rows(live, "kept_outputs") == 0
    assert rows(live, "rate_limits") == rows(live, "rate_turns") == 1


def test_groups_are_shown_with_the_oldest_of_their_claims(live):
    for n in range(60):
        take(live, "i1", f"t{n}", group="b", limit=2)
    take(live, "i2", group="a")
    take(live, "i3", group="a", when_full="cancel_running")
    first, second = live.slots.list()
    assert (first.name, first.limit, first.held, first.waiting) == ("a", 1, 1, 1)
    assert [(one.instance, one.leaving, one.place) for one in first.holders + first.waiters] == [
        ("i2", True, 1),
        ("i3", False, 1),
    ]
    assert (second.held, second.waiting, len(second.holders), len(second.waiters)) == (2, 58, 2, 50)
    assert [one.path for one in second.waiters[:2]] == ["t2", "t3"]
    assert live.slots.list(group="b") == live.slots.list(after="a") == [second]
    assert live.slots.list(limit=1) == [first]
    waits = live.slots.waiting("i1", limit=3)
    assert [(one.path, one.place, one.group) for one in waits] == [("t10", 9, "b"), ("t11", 10, "b"), ("t12", 11, "b")]
    assert live.slots.waiting("i2") == []
