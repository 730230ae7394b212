"""Who ended is remembered in the transaction of the end, once, until somebody has dealt with it."""

from __future__ import annotations

from engine.adapters.databases.connect import InstancesDatabase
from engine.app.records import InstanceChange, Parent, Record
from engine.app.trigger_ports import End
from tests.holds import given


def test_an_end_is_there_with_its_instance(stores: InstancesDatabase):
    given.record(stores, given.started("i1"), given.started("i2", workflow="build"))
    assert stores.ends.read() == []
    given.finish(stores, "i2", at=20)
    assert stores.ends.read() == [
        End(instance="i2", seq=2, workflow="build", state="succeeded", last=True, finished_at=20)
    ]


def test_what_is_forgotten_is_gone_and_the_rest_stays(stores: InstancesDatabase):
    for name in ("i1", "i2", "i3"):
        given.record(stores, given.started(name))
        given.finish(stores, name, at=20)
    assert [end.instance for end in stores.ends.read(2)] == ["i1", "i2"]
    stores.ends.forget(stores.ends.read(2))
    stores.ends.forget([])
    assert [end.instance for end in stores.ends.read()] == ["i3"]


def test_an_instance_can_end_again_after_a_retry(stores: InstancesDatabase):
    given.record(stores, given.started("i1"))
    given.finish(stores, "i1", at=20)
    with stores.store.lock([("i1", "")]) as locked:
        locked.record(Record(instances=[InstanceChange(id="i1", seq=3, state="running")]))
    assert [(end.seq, end.last, end.finished_at) for end in stores.ends.read()] == [(2, True, None)]
    given.finish(stores, "i1", at=30)
    assert [(end.seq, end.last, end.finished_at) for end in stores.ends.read()] == [(2, False, 30), (4, True, 30)]


def test_each_end_is_counted_once_when_it_was_dealt_with(stores: InstancesDatabase):
    for name, workflow in (("i1", "a"), ("i2", "a"), ("i3", "b")):
        given.record(stores, given.started(name, workflow=workflow))
        given.finish(stores, name, at=20)
    with stores.store.lock([("i1", "")]) as locked:
        locked.record(Record(instances=[InstanceChange(id="i1", seq=3, state="running")]))
    assert stores.reader.ended() == {}
    seen = stores.ends.read()
    stores.ends.forget(seen)
    stores.ends.forget(seen)  # by another that believed to lead
    assert stores.reader.ended() == {("a", "succeeded"): 2, ("b", "succeeded"): 1}
    given.finish(stores, "i1", at=30)
    stores.ends.forget(stores.ends.read())
    assert stores.reader.ended() == {("a", "succeeded"): 3, ("b", "succeeded"): 1}
    given.prune(stores, before=100)
    assert stores.reader.ended() == {("a", "succeeded"): 3, ("b", "succeeded"): 1}


def test_ends_go_with_pruned_instances(stores: InstancesDatabase):
    given.record(stores, given.started("i1"))
    given.finish(stores, "i1", at=20)
    assert given.prune(stores, before=21) == 1
    assert stores.ends.read() == []


def test_a_child_knows_its_parent(stores: InstancesDatabase):
    parent = Parent(instance="i1", path="deploy[eu]/roll", attempt=2)
    given.record(stores, given.started("i1"), given.started("i2", parent=parent, depth=3), given.started("i3"))
    assert stores.store.facts("i2").parent == parent
    assert stores.store.facts("i2").depth == 3
    assert stores.store.facts("i3").parent is None
    with stores.store.lock([("i2", "")], facts_of=["i2"]) as locked:
        assert locked.facts["i2"].parent == parent
    child = stores.reader.get("i2")
    assert (child.parent, child.depth) == (parent, 3)
    assert [found.id for found in stores.reader.list(parent="i1")] == ["i2"]
