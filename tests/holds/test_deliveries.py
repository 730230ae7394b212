"""The flight recorder's port: stored once, however often and however parallel it comes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from engine.adapters.databases.connect import InstancesDatabase
from engine.adapters.databases.tables import delivery_keys
from engine.app.records import DeliveryResult, Record
from engine.errors import Invalid, NotFound
from tests.holds.given import delivery, record


def test_a_delivery_is_kept_as_it_came(stores: InstancesDatabase):
    before = stores.recovery.now()
    assert stores.deliveries.receive(delivery("e1", "guid:1", body=bytes(range(256)))) is None
    stored = stores.deliveries.get("e1")
    assert (stored.source, stored.provider, stored.event) == ("github", "github", "push")
    assert (stored.headers, stored.body) == ({"x-github-event": "push"}, bytes(range(256)))
    assert (stored.state, stored.reason, stored.verdicts) == ("received", "", ())
    assert before <= stored.received_at <= stores.recovery.now()


def test_any_key_in_common_makes_it_a_repetition(stores: InstancesDatabase):
    assert stores.deliveries.receive(delivery("e1", "guid:1", "body:x")) is None
    assert stores.deliveries.receive(delivery("e2", "guid:1", "body:y")) == "e1"
    assert stores.deliveries.receive(delivery("e3", "guid:3", "body:x")) == "e1"
    # What a repetition brought along is not remembered.
    assert stores.deliveries.receive(delivery("e4", "guid:3", "body:y")) is None
    with pytest.raises(NotFound):
        stores.deliveries.get("e2")


def test_keys_belong_to_their_source_and_no_keys_mean_no_repetition(stores: InstancesDatabase):
    assert stores.deliveries.receive(delivery("e1", "guid:1")) is None
    assert stores.deliveries.receive(delivery("e2", "guid:1", source="generic")) is None
    assert stores.deliveries.receive(delivery("e3")) is None
    assert stores.deliveries.receive(delivery("e4")) is None


def test_a_key_counts_for_its_hours(stores: InstancesDatabase):
    assert stores.deliveries.receive(delivery("e1", "guid:1", "guid:2")) is None
    with stores._database.writing() as connection:
        connection.execute(sa.update(delivery_keys).values(expires_at=delivery_keys.c.expires_at - 24 * 3_600_000))
    assert stores.deliveries.receive(delivery("e2", "guid:1")) is None
    assert stores.deliveries.receive(delivery("e3", "guid:1")) == "e2"


def test_a_hundred_at_once_are_one(stores: InstancesDatabase):
    """RELIABILITY R19; the keys come in either order, which must not lock up."""

    def receive(number: int) -> str | None:
        keys = ("guid:1", "body:x") if number % 2 else ("body:x", "guid:1")
        return stores.deliveries.receive(delivery(f"e{number}", *keys))

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(receive, range(100)))
    assert answers.count(None) == 1
    first = f"e{answers.index(None)}"
    assert set(answers) == {None, first}
    assert [stored.id for stored in stores.deliveries.list()] == [first]


def test_lists_are_filtered_and_paged(stores: InstancesDatabase):
    for number in range(7):
        stores.deliveries.receive(delivery(f"e{number}", source="a" if number % 2 else "b"))
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
        stores.deliveries.receive(delivery("e1", "guid:1", headers={"a": "\0"}))
    assert stores.deliveries.receive(delivery("e1", "guid:1")) is None
