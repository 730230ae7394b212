"""The flight recorder's port: stored once, however often and however parallel it comes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from engine.adapters.databases.connect import InstancesDatabase
from engine.adapters.databases.tables import delivery_keys
from engine.app.delivery_ports import ended, received
from engine.app.records import Delivery, DeliveryResult, NewDelivery, Record, Verdict
from engine.errors import Conflict, Invalid, NotFound
from tests.holds.given import delivery, receive, record

NOW = 4_000_000_000_000


def is_kept(stores: InstancesDatabase, name: str) -> bool:
    try:
        stores.deliveries.get(name)
    except NotFound:
        return False
    return True


def arrival(call: NewDelivery, **more: Any) -> tuple[NewDelivery, Delivery]:
    return call, ended(received(call, NOW), DeliveryResult(id=call.id, state="ignored", reason="no", **more))


def test_a_delivery_is_kept_as_it_came(stores: InstancesDatabase):
    before = stores.recovery.now()
    assert receive(stores, delivery("e1", "guid:1", body=bytes(range(256)))) == [None]
    stored = stores.deliveries.get("e1")
    assert (stored.source, stored.provider, stored.event) == ("github", "github", "push")
    assert (stored.headers, stored.body) == ({"x-github-event": "push"}, bytes(range(256)))
    assert (stored.state, stored.reason, stored.verdicts) == ("received", "", ())
    assert before <= stored.received_at <= stores.recovery.now()


def test_any_key_in_common_makes_it_a_repetition(stores: InstancesDatabase):
    assert receive(stores, delivery("e1", "guid:1", "body:x")) == [None]
    assert receive(stores, delivery("e2", "guid:1", "body:y")) == ["e1"]
    assert receive(stores, delivery("e3", "guid:3", "body:x")) == ["e1"]
    # What a repetition brought along is not remembered.
    assert receive(stores, delivery("e4", "guid:3", "body:y")) == [None]
    with pytest.raises(NotFound):
        stores.deliveries.get("e2")


def test_keys_belong_to_their_source_and_no_keys_mean_no_repetition(stores: InstancesDatabase):
    assert receive(stores, delivery("e1", "guid:1")) == [None]
    assert receive(stores, delivery("e2", "guid:1", source="generic")) == [None]
    assert receive(stores, delivery("e3")) == [None]
    assert receive(stores, delivery("e4")) == [None]


def test_a_key_counts_for_its_hours(stores: InstancesDatabase):
    assert receive(stores, delivery("e1", "guid:1", "guid:2")) == [None]
    with stores._database.writing() as connection:
        connection.execute(sa.update(delivery_keys).values(expires_at=delivery_keys.c.expires_at - 24 * 3_600_000))
    assert receive(stores, delivery("e2", "guid:1")) == [None]
    record(stores, Record(arrivals=[arrival(delivery("e3", "guid:2"))]))
    assert receive(stores, delivery("e4", "guid:1"), delivery("e5", "guid:2")) == ["e2", "e3"]


def test_a_hundred_at_once_are_one(stores: InstancesDatabase):
    """RELIABILITY R19; the keys come in either order, which must not lock up."""

    def sent(number: int) -> str | None:
        keys = ("guid:1", "body:x") if number % 2 else ("body:x", "guid:1")
        [first] = receive(stores, delivery(f"e{number}", *keys))
        return first

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(sent, range(100)))
    assert answers.count(None) == 1
    first = f"e{answers.index(None)}"
    assert set(answers) == {None, first}
    assert [stored.id for stored in stores.deliveries.list()] == [first]


def test_a_group_is_stored_as_one_after_the_other_would_be(stores: InstancesDatabase):
    """A repetition within the group, one of an older delivery, and one of a repetition, which is none."""
    assert receive(stores, delivery("e1", "guid:1", "body:x")) == [None]
    group = [
        delivery("e2", "guid:2", "body:y"),
        delivery("e3", "guid:2", "body:z"),
        delivery("e4", "guid:4", "body:x"),
        delivery("e5", "guid:4", "body:v"),
        delivery("e6", "guid:4", "body:w"),
        delivery("e7", "guid:2", source="generic"),
    ]
    stored = stores.deliveries.receive(group)
    assert [one if isinstance(one, str) else one.id for one in stored] == ["e2", "e2", "e1", "e5", "e5", "e7"]
    assert [stores.deliveries.get(name) for name in ("e2", "e5", "e7")] == [stored[0], stored[3], stored[5]]
    for name in ("e3", "e4", "e6"):
        with pytest.raises(NotFound):
            stores.deliveries.get(name)
    # What repetitions brought along is not remembered.
    assert receive(stores, delivery("e8", "body:z"), delivery("e9", "body:w")) == [None, None]


def test_groups_that_share_keys_wait_for_each_other_in_one_direction(stores: InstancesDatabase):
    """Twenty times the same twelve calls, in any order: whoever is first with one is the first for all."""

    def sent(number: int) -> list[str]:
        calls = [delivery(f"{number}-{each}", f"guid:{each}", f"body:{each}") for each in range(12)]
        shift = number % 12
        answers = stores.deliveries.receive((calls[shift:] + calls[:shift])[:: -1 if number % 2 else 1])
        return sorted(one if isinstance(one, str) else one.id for one in answers)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(sent, range(20)))
    kept = {one.id for one in stores.deliveries.list(limit=100)}
    assert len(kept) == 12
    assert all(set(answer) == kept for answer in answers)


def test_one_that_is_given_again_finds_itself(stores: InstancesDatabase):
    """The answer to the first time was lost."""
    for first in (None, "e1", "e1"):
        assert receive(stores, delivery("e1", "guid:1", "body:x")) == [first]
    assert receive(stores, delivery("e2", "guid:1")) == ["e1"]


def test_one_that_was_dealt_with_holds_up_the_record(stores: InstancesDatabase):
    receive(stores, delivery("e1"), delivery("e2"))
    ends = [DeliveryResult(id=name, state="ignored", reason="no") for name in ("e1", "e2")]
    record(stores, Record(deliveries=ends[:1]))
    for again in (ends, ends[:1], [DeliveryResult(id="nobody", state="failed")]):
        with pytest.raises(Conflict):
            record(stores, Record(deliveries=again))
    assert stores.deliveries.get("e2").state == "received"


def test_a_delivery_is_stored_with_what_came_of_it(stores: InstancesDatabase):
    verdicts = (Verdict(workflow="w", instance="i1", reason="started"),)
    record(stores, Record(arrivals=[arrival(delivery("e1", "guid:1"), verdicts=verdicts), arrival(delivery("e2"))]))
    stored = stores.deliveries.get("e1")
    assert (stored.source, stored.provider, stored.event) == ("github", "github", "push")
    assert (stored.headers, stored.body) == ({"x-github-event": "push"}, b'{"ref": "\xff"}')
    assert (stored.state, stored.reason, stored.verdicts, stored.received_at) == ("ignored", "no", verdicts, NOW)
    assert stores.deliveries.get("e2").verdicts == ()
    assert receive(stores, delivery("e3", "guid:1")) == ["e1"]


def test_a_key_that_is_held_refuses_all_that_arrives_with_it(stores: InstancesDatabase):
    receive(stores, delivery("e1", "guid:1"))
    group = [arrival(delivery("e2", "guid:2", "body:y")), arrival(delivery("e3", "guid:3", "guid:1"))]
    with pytest.raises(Conflict):
        record(stores, Record(arrivals=group))
    assert [name for name in ("e1", "e2", "e3") if is_kept(stores, name)] == ["e1"]


def test_of_groups_that_arrive_with_the_same_keys_one_is_stored(stores: InstancesDatabase):
    def sent(number: int) -> int | None:
        calls = [delivery(f"{number}-{each}", f"guid:{each}", f"body:{each}") for each in range(12)]
        try:
            record(stores, Record(arrivals=[arrival(call) for call in calls[:: -1 if number % 2 else 1]]))
        except Conflict:
            return None
        return number

    with ThreadPoolExecutor(8) as threads:
        [first] = {*threads.map(sent, range(20))} - {None}
    assert {one.id for one in stores.deliveries.list(limit=100)} == {f"{first}-{each}" for each in range(12)}


def test_lists_are_filtered_and_paged(stores: InstancesDatabase):
    for number in range(7):
        receive(stores, delivery(f"e{number}", source="a" if number % 2 else "b"))
    record(stores, Record(deliveries=[DeliveryResult(id="e3", state="ignored", reason="no workflow listens")]))
    everything = [stored.id for stored in stores.deliveries.list()]
    assert sorted(everything) == [f"e{number}" for number in range(7)]
    pages, before = [], None
    while page := stores.deliveries.list(before=before, limit=3):
        pages += [stored.id for stored in page]
        before = pages[-1]
    assert pages == everything
    assert {stored.id for stored in stores.deliveries.list(source="a")} == {"e1", "e3", "e5"}
    assert [stored.id for stored in stores.deliveries.list(state="ignored")] == ["e3"]
    assert stores.deliveries.get("e3").reason == "no workflow listens"


def test_what_cannot_be_kept_is_refused(stores: InstancesDatabase):
    with pytest.raises(Invalid):
        receive(stores, delivery("e0", "guid:0"), delivery("e1", "guid:1", headers={"a": "\0"}))
    assert receive(stores, delivery("e1", "guid:1")) == [None]
