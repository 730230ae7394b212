"""Events are kept once, those who wait for them are found, and what an instance has used up is told from what is left."""

from __future__ import annotations

from random import Random
from string import ascii_letters
from typing import Any

import pytest

from engine.adapters.databases.connect import InstancesDatabase, open_instances
from engine.app.event_ports import Event, NewEvent
from engine.app.records import Message, Record, Verdict, WaitEffect
from engine.core.commands import AwaitEvent, StopAwaiting
from engine.errors import Broken, Invalid, NotFound
from tests.holds import given


def publish(stores: InstancesDatabase, id: str, type: str = "paid", body: Any = None, **changes: Any) -> bool:
    event = NewEvent(id=id, type=type, source="api", body=body, by="ana", **changes)
    return stores.events.publish(event, Message(queue="tasks", body={"type": "RouteEvent", "event": id}, id=f"m-{id}"))


def record(stores: InstancesDatabase, instance: str, *commands: Any, used: tuple[str, ...] = ()) -> None:
    waits = [WaitEffect(instance=instance, command=command) for command in commands]
    given.record(stores, Record(waits=waits, receipts=[(instance, event) for event in used]))


def awaits(path: str = "a", **changes: Any) -> AwaitEvent:
    return AwaitEvent(**{"path": path, "attempt": 1, "event": "paid", "since": 0} | changes)


def ids(events: Any) -> list[str]:
    return [event.id for event in events]


def paths(waits: Any) -> list[tuple[str, str]]:
    return [(wait.instance, wait.path) for wait in waits]


def test_an_event_is_stored_with_the_message_that_has_it_routed(stores: InstancesDatabase):
    before = stores.recovery.now()
    assert publish(stores, "e1", body={"order": 7}, depth=2)
    found = stores.events.get("e1")
    assert before <= found.received_at <= stores.recovery.now()
    assert found == Event(
        id="e1",
        type="paid",
        source="api",
        body={"order": 7},
        received_at=found.received_at,
        by="ana",
        depth=2,
        routed=False,
    )
    assert stores.outbox.size() == (1, 0)


def test_the_second_of_an_id_is_none(stores: InstancesDatabase):
    assert publish(stores, "e1", body=1)
    assert not publish(stores, "e1", "other", body=2)
    assert (stores.events.get("e1").type, stores.events.get("e1").body) == ("paid", 1)
    assert stores.outbox.size() == (1, 0)


@pytest.mark.parametrize("body", [None, False, 0, "", [], {"a": [None]}])
def test_any_body_comes_back(stores: InstancesDatabase, body: Any):
    publish(stores, "e1", body=body)
    assert stores.events.get("e1").body == body


@pytest.mark.postgres
def test_a_key_too_long_for_an_index_is_refused_and_not_waited_for(postgres_url: str):
    noise = "".join(Random(1).choices(ascii_letters, k=9_000))
    stores = open_instances(postgres_url)
    try:
        with pytest.raises(Invalid, match="cannot be stored"):
            publish(stores, noise)
        with pytest.raises(Invalid, match="cannot be stored"):
            record(stores, "i1", awaits(event=noise))
    finally:
        stores.close()


def test_what_is_not_there(stores: InstancesDatabase):
    with pytest.raises(NotFound):
        stores.events.get("e1")
    assert stores.events.wait("i1", "a", 1) is None


def test_newest_first_page_by_page(stores: InstancesDatabase):
    for number in range(5):
        publish(stores, f"e{number}", "paid" if number % 2 else "sent")
    assert ids(stores.events.list()) == ["e4", "e3", "e2", "e1", "e0"]
    assert ids(stores.events.list(type="sent", limit=2)) == ["e4", "e2"]
    assert ids(stores.events.list(type="sent", before="e2")) == ["e0"]


def test_who_waits_is_found_by_type_and_age(stores: InstancesDatabase):
    publish(stores, "e1")
    at = stores.events.get("e1").received_at
    match = ["event.body == n", ["a"], [["n"]], []]
    record(stores, "i2", awaits("x[eu]/a", attempt=3, match=match, names={"n": 1}))
    record(stores, "i1", awaits("late", since=at + 1), awaits("just", since=at), awaits("other", event="sent"))
    found = stores.events.waits(stores.events.get("e1"))
    assert paths(found) == [("i1", "just"), ("i2", "x[eu]/a")]
    assert (found[1].attempt, found[1].match, found[1].names) == (3, match, {"n": 1})
    assert stores.events.wait("i2", "x[eu]/a", 3) == found[1]
    assert stores.events.wait("i2", "x[eu]/a", 2) is None


def test_waits_come_in_windows(stores: InstancesDatabase):
    publish(stores, "e1")
    for instance in ("i1", "i2"):
        record(stores, instance, awaits("a"), awaits("b"), awaits("b", attempt=2))
    seen: list[Any] = []
    event = stores.events.get("e1")
    while part := stores.events.waits(event, after=seen[-1].key if seen else None, limit=4):
        seen += part
    assert [wait.key for wait in seen] == [
        (instance, path, attempt) for instance in ("i1", "i2") for path, attempt in (("a", 1), ("b", 1), ("b", 2))
    ]


def test_a_wait_that_is_over_is_gone(stores: InstancesDatabase):
    record(stores, "i1", awaits("a"), awaits("b"), StopAwaiting(path="a", attempt=1), StopAwaiting(path="b", attempt=2))
    publish(stores, "e1")
    assert paths(stores.events.waits(stores.events.get("e1"))) == [("i1", "b")]


def test_what_an_instance_has_used_up_is_left_for_others(stores: InstancesDatabase):
    for name in ("e1", "e2", "e3"):
        publish(stores, name)
    record(stores, "i1", awaits("a"), used=("e2",))
    record(stores, "i2", awaits("a"))
    one, two = (stores.events.wait(name, "a", 1) for name in ("i1", "i2"))
    assert one is not None
    assert two is not None
    assert ids(stores.events.unused(one)) == ["e1", "e3"]
    assert ids(stores.events.unused(two)) == ["e1", "e2", "e3"]
    first = stores.events.unused(two, limit=1)
    assert ids(stores.events.unused(two, after=first[-1], limit=1)) == ["e2"]
    with stores.store.lock([]) as locked:
        assert locked.used_up("i1", "e2")
        assert not locked.used_up("i1", "e1")
        assert not locked.used_up("i2", "e2")


def test_nothing_is_used_up_twice(stores: InstancesDatabase):
    record(stores, "i1", used=("e1",))
    with pytest.raises(Broken):
        record(stores, "i1", used=("e1",))


def test_what_nobody_has_routed_is_found_after_a_while(stores: InstancesDatabase):
    for name in ("e1", "e2"):
        publish(stores, name)
    assert stores.events.unrouted(60_000) == []
    assert ids(stores.events.unrouted(0)) == ["e1", "e2"]
    verdicts = (
        Verdict(workflow="w", instance="i1", reason="started"),
        Verdict(workflow="x", reason="condition is false"),
    )
    stores.events.routed("e1", verdicts)
    assert ids(stores.events.unrouted(0)) == ["e2"]
    found = stores.events.get("e1")
    assert (found.routed, found.verdicts) == (True, verdicts)


def test_old_events_go_once_they_were_routed_and_waits_go_with_their_instances(stores: InstancesDatabase):
    for name in ("e1", "e2"):
        publish(stores, name)
    stores.events.routed("e1", [])
    for name in ("i1", "i2"):
        given.record(stores, given.started(name))
        record(stores, name, awaits(), used=("e1",))
    given.finish(stores, "i1", at=20)
    assert given.prune(stores, before=21) == 1
    assert ids(stores.events.list()) == ["e2", "e1"]
    assert stores.events.wait("i1", "a", 1) is None
    assert stores.events.wait("i2", "a", 1) is not None
    with stores.store.lock([]) as locked:
        assert not locked.used_up("i1", "e1")
        assert locked.used_up("i2", "e1")
    soon = stores.recovery.now() + 60_000
    assert stores.retention.forget(before=soon, limit=10) == 1
    assert ids(stores.events.list()) == ["e2"]
    for name in ("e3", "e4", "e5"):
        publish(stores, name)
        stores.events.routed(name, [])
    left = [stores.retention.forget(before=soon, limit=2) for _ in range(3)]
    assert left == [2, 1, 0], "whoever prunes knows that there is more"
