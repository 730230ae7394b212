"""What a process wrote last is believed until it is written: then the database refuses what is not so any more."""

from __future__ import annotations

import pytest

from engine.adapters.databases.connect import InstancesDatabase, open_instances
from engine.app.records import InstanceChange, LoadedScope, LockedInstance, Record
from engine.app.remembered import Known
from engine.errors import Broken
from tests.holds.given import event, facts, finish, record, scope, started, state


def known(name: str, seq: int = 1) -> dict[str, Known]:
    row = LockedInstance(id=name, digest="d1", state="running", seq=seq)
    return {name: Known(instance=row, scopes={"": LoadedScope(state=state(), version=seq)})}


def second(*names: str) -> Record:
    return Record(
        instances=[InstanceChange(id=name, seq=2) for name in names],
        scopes=[scope(name, 2) for name in names],
        history=[event(name, 2) for name in names],
    )


def test_what_is_so_is_written(stores: InstancesDatabase):
    record(stores, started("i1"), started("i2"))
    both = known("i1") | known("i2")
    with stores.store.lock([("i2", ""), ("i1", "")], known=both) as locked:
        assert locked.instances == {name: each.instance for name, each in both.items()}
        assert locked.scopes[("i1", "")] == LoadedScope(state=state(), version=1)
        locked.record(second("i1", "i2"))
    assert [len(stores.reader.history(name)) for name in ("i1", "i2")] == [2, 2]


def test_what_is_not_so_any_more_is_not_worked_on(stores: InstancesDatabase):
    """PostgreSQL refuses it; SQLite, which holds the lock on everything, reads it."""
    record(stores, started("i1"), started("i2"))
    finish(stores, "i1", at=9)
    try:
        with stores.store.lock([("i1", ""), ("i2", "")], known=known("i1") | known("i2")) as locked:
            assert locked.instances["i1"].seq in (1, 2)
            believed = locked.instances["i1"].seq == 1
            if believed:
                locked.record(second("i1", "i2"))
    except Broken:
        assert believed
    else:
        assert not believed
    assert (stores.reader.get("i1").state, len(stores.reader.history("i2"))) == ("succeeded", 1)


def test_a_known_instance_that_is_gone(stores: InstancesDatabase):
    gone = known("gone")
    try:
        with stores.store.lock([("gone", "")], known=gone) as locked:
            if locked.instances:
                locked.record(second("gone"))
    except Broken:
        return
    assert locked.instances == {}


def test_the_rest_is_read_with_the_lock(stores: InstancesDatabase):
    """Also of what was known and is otherwise now."""
    record(stores, started("i1"), started("i2"))
    finish(stores, "i1", at=9)
    with stores.store.lock([("i1", ""), ("i2", ""), ("i2", "finally")], known=known("i1")) as locked:
        assert (locked.instances["i1"].seq, locked.scopes["i1", ""].version) == (2, 2)
        assert locked.scopes["i2", ""] == LoadedScope(state=state(), version=1)


def test_what_is_looked_up_later_is_looked_up_under_the_lock(stores: InstancesDatabase):
    record(stores, started("i1"), started("i2"))
    with stores.store.lock([("i1", "")], known=known("i1")) as locked:
        assert locked.children("i1").load([""]) == {"": LoadedScope(state=state(), version=1)}
        locked.record(second("i1"))


@pytest.mark.postgres
def test_a_known_instance_that_somebody_is_about_to_change_is_refused_at_once(postgres_url: str):
    opened, other = open_instances(postgres_url), open_instances(postgres_url)
    try:
        record(opened, started("i1"))
        with opened.store.lock([("i1", "")], skip_held=True) as locked:
            assert locked.now  # so that the time is known
        with (
            other.store.lock([("i1", "")]),
            opened.store.lock([("i1", "")], known=known("i1")) as believed,
            pytest.raises(Broken),
        ):
            believed.record(second("i1"))
        assert len(opened.reader.history("i1")) == 1
    finally:
        opened.close()
        other.close()


@pytest.mark.postgres
def test_what_is_looked_up_later_is_refused_if_it_is_not_so(postgres_url: str):
    opened = open_instances(postgres_url)
    try:
        record(opened, started("i1"))
        finish(opened, "i1", at=9)
        with opened.store.lock([("i1", "")], known=known("i1")) as locked, pytest.raises(Broken):
            locked.children("i1")
    finally:
        opened.close()


def test_the_time_goes_on_without_being_asked_for(stores: InstancesDatabase):
    for name in ("i3", "i4"):
        with stores.store.lock([]) as locked:
            before = locked.now
        record(stores, started(name))
    with stores.store.lock([("i4", "")], facts_of=["i4"]) as locked:
        assert before <= locked.now + 50
        assert locked.now - before < 60_000
        assert locked.facts == {"i4": facts()}
