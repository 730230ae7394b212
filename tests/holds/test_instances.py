"""The hot path's port: lock, read, write all of a batch or nothing of it."""

from __future__ import annotations

import math
from typing import Any

import pytest

from engine.adapters.databases.connect import InstancesDatabase, open_instances
from engine.app.records import DeliveryResult, InstanceChange, LoadedScope, LockedInstance, Record, Verdict
from engine.errors import Broken, Conflict, Invalid, NotFound
from tests.holds.given import (
    DOCUMENT,
    delivery,
    event,
    facts,
    finish,
    message,
    opened,
    receive,
    record,
    scope,
    started,
    state,
)


def test_what_was_recorded_is_read_under_the_next_lock(stores: InstancesDatabase):
    record(stores, started("i1"), started("i2", workflow="other"))
    with stores.store.lock([("i1", ""), ("i1", "finally"), ("gone", "")], facts_of=["i1", "gone"]) as locked:
        assert locked.instances == {"i1": LockedInstance(id="i1", digest="d1", state="running", seq=1)}
        assert locked.scopes == {("i1", ""): LoadedScope(state=state(), version=1)}
        assert locked.facts == {"i1": facts()}
        assert locked.definition("d1") == DOCUMENT
    assert stores.store.facts("i2") == facts(workflow="other")
    assert stores.store.definition("d1") == DOCUMENT


def test_leaving_without_a_record_writes_nothing_and_frees_the_lock(stores: InstancesDatabase):
    record(stores, started("i1"))
    for _ in range(3):
        with stores.store.lock([("i1", "")]) as locked:
            assert locked.instances["i1"].seq == 1
    with pytest.raises(KeyError), stores.store.lock([("i1", "")]):
        raise KeyError
    finish(stores, "i1", at=9)
    assert stores.reader.get("i1").state == "succeeded"


def test_a_batch_writes_many_instances_at_once(stores: InstancesDatabase):
    names = [f"i{number}" for number in range(40)]
    record(stores, *(started(name) for name in names))
    with stores.store.lock([(name, "") for name in names]) as locked:
        assert set(locked.instances) == set(names)
        batch = Record(
            instances=[InstanceChange(id=name, seq=3) for name in names[:-1]]
            + [InstanceChange(id=names[-1], seq=3, state="waiting")],
            scopes=[scope(name, 2) for name in names] + [scope(names[0], 1, path="finally")],
            history=[event(name, seq) for name in names for seq in (2, 3)],
            outbox=[message(f"m-{name}") for name in names],
        )
        locked.record(batch)
    with stores.store.lock([(name, "") for name in names]) as locked:
        assert {found.seq for found in locked.instances.values()} == {3}
        assert {found.version for found in locked.scopes.values()} == {2}
    assert stores.reader.counts(1_000) == {"running": 39, "waiting": 1}
    assert list(stores.reader.scopes(names[0])) == ["", "finally"]
    assert stores.outbox.size() == (40, 0)


def test_the_database_tells_the_time(stores: InstancesDatabase):
    before = stores.recovery.now()
    with stores.store.lock([]) as locked:
        assert before <= locked.now <= stores.recovery.now()
    assert abs(before - 1_000 * math.floor(before / 1_000)) < 1_000
    assert before > 1_600_000_000_000


def test_a_start_key_starts_once(stores: InstancesDatabase):
    record(stores, started("i1", start_key="github/push/1"))
    with pytest.raises(Conflict):
        record(stores, started("i2", start_key="github/push/1"))
    assert stores.reader.by_start_key("github/push/1").id == "i1"
    with pytest.raises(NotFound):
        stores.reader.get("i2")
    assert stores.reader.scopes("i2") == {}
    record(stores, started("i3"), started("i4"))  # without a key nothing is compared


def test_the_same_instance_is_not_inserted_twice(stores: InstancesDatabase):
    record(stores, started("i1"))
    with pytest.raises(Conflict):
        record(stores, started("i1"))


@pytest.mark.parametrize(
    "stale",
    [
        Record(scopes=[scope("i1", 3)]),
        Record(scopes=[scope("i1", 2), scope("i2", 7)]),
        Record(scopes=[scope("i1", 2, path="finally")]),
        Record(scopes=[scope("i1", 1)]),
        Record(instances=[InstanceChange(id="gone", seq=2)]),
        Record(instances=[InstanceChange(id="gone", seq=2, state="failed")]),
        Record(history=[event("i1", 1)]),
    ],
    ids=["version", "one-of-two", "no-such-scope", "exists", "no-such-instance", "no-such-moved", "history"],
)
def test_a_write_on_something_else_than_was_read_undoes_the_whole_record(stores: InstancesDatabase, stale: Record):
    record(stores, started("i1"), started("i2"))
    stale.outbox = [message("m1")]
    with pytest.raises(Broken):
        record(stores, stale)
    assert stores.outbox.size() == (0, 0)
    with stores.store.lock([("i1", ""), ("i2", "")]) as locked:
        assert [found.version for found in locked.scopes.values()] == [1, 1]


def test_an_instance_takes_its_end(stores: InstancesDatabase):
    record(stores, started("i1"))
    finish(stores, "i1", at=77)
    instance = stores.reader.get("i1")
    assert (instance.state, instance.outputs, instance.error, instance.finished_at) == (
        "succeeded",
        {"ok": True},
        None,
        77,
    )


def test_a_delivery_ends_once_and_with_its_instance(stores: InstancesDatabase):
    receive(stores, delivery("e1"))
    verdicts = (Verdict(workflow="release", instance="i1", reason="started"), Verdict(workflow="b", reason="no"))
    first = started("i1")
    first.deliveries = [DeliveryResult(id="e1", state="started", verdicts=verdicts)]
    record(stores, first)
    stored = stores.deliveries.get("e1")
    assert (stored.state, stored.verdicts) == ("started", verdicts)
    second = started("i2")
    second.deliveries = [DeliveryResult(id="e1", state="started")]
    with pytest.raises(Conflict):
        record(stores, second)
    with pytest.raises(NotFound):
        stores.reader.get("i2")
    assert stores.deliveries.get("e1").verdicts == verdicts


UNSTORABLE = [
    {"text": "a\0b"},
    {"deep": [{"a\0": 1}]},
    {"text": "\ud800"},
    {"number": math.nan},
    {"number": [None, -math.inf]},
    {"number": 2**64},
    {"object": object()},
    {1: "key"},
]


@pytest.mark.parametrize("place", ["event", "state", "outputs", "body", "inputs", "document", "form"])
def test_a_value_that_cannot_be_kept_is_refused_and_nothing_is_written(stores: InstancesDatabase, place: str):
    for value in UNSTORABLE:
        with pytest.raises(Invalid):
            record(stores, with_value(place, value))
    record(stores, started("i1"))  # the connection is as good as before
    assert stores.reader.get("i1").inputs == facts().inputs
    assert stores.outbox.size() == (0, 0)
    assert stores.approvals.list() == []


def with_value(place: str, value: Any) -> Record:
    bad = started("i1")
    match place:
        case "event":
            bad.history = [event("i1", 1, event=value)]
        case "state":
            bad.scopes = [scope("i1", 1, outputs=value)]
        case "outputs":
            bad.instances = [InstanceChange(id="i1", seq=1, state="succeeded", outputs=value)]
        case "body":
            bad.outbox = [message("m1", body=value)]
        case "inputs":
            bad = started("i1", inputs=value)
        case "document":
            bad.definitions["d1"] = value
        case "form":
            bad.approvals = [opened("i1", form=value)]
    return bad


def test_texts_that_cannot_be_kept_are_refused_too(stores: InstancesDatabase):
    with pytest.raises(Invalid):
        record(stores, started("i1", started_by="\ud800"))
    assert stores.reader.list() == []


def test_postgres_refuses_nul_in_texts(postgres_url: str):
    stores = open_instances(postgres_url)
    with pytest.raises(Invalid):
        record(stores, started("i1", started_by="\0"))
    assert stores.reader.list() == []
    stores.close()


def test_what_looks_like_it_but_can_be_kept_is_kept(stores: InstancesDatabase):
    value = {"null": None, "literal": "\\u0000 null", "emoji": "\U0001f680", "big": 2**63 - 1, "x": 0.1, "nan": "NaN"}
    record(stores, started("i1", inputs=value))
    assert stores.reader.get("i1").inputs == value
    assert stores.store.facts("i1").inputs == value


def test_unknown_names_are_told(stores: InstancesDatabase):
    with pytest.raises(NotFound):
        stores.store.facts("gone")
    with pytest.raises(Broken):
        stores.store.definition("gone")
    with stores.store.lock([]) as locked, pytest.raises(Broken):
        locked.definition("gone")


def test_known_definitions_are_left_alone(stores: InstancesDatabase):
    record(stores, started("i1"))
    again = started("i2")
    again.definitions = {"d1": {"other": True}, "d2": {}}
    record(stores, again)
    assert stores.store.definition("d1") == DOCUMENT
    assert stores.store.definition("d2") == {}


def test_published_rows_ride_with_the_next_record_or_go_alone(stores: InstancesDatabase):
    record(stores, Record(outbox=[message("m1"), message("m2"), message("m3")]))
    record(stores, Record(published=["m1", "gone"]))
    assert stores.outbox.size() == (2, 0)
    stores.store.delete_published(["m3"])
    stores.store.delete_published([])
    assert stores.outbox.size() == (1, 0)
