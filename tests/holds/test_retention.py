"""The port of pruning: what is old goes in small pieces, and nothing that somebody still needs."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from engine.adapters.databases import tables
from engine.adapters.databases.connect import InstancesDatabase, open_instances
from engine.adapters.databases.retention import OWNED
from engine.app.records import DeliveryResult, InstanceChange, LogLine, Parent, Record
from engine.errors import NotFound, Unavailable
from tests.holds.given import delivery, event, finish, message, opened, prune, receive, record, scope, started

EVER = 2**62


def ended(stores: InstancesDatabase, name: str, *, at: int, **changes) -> None:
    record(stores, started(name, **changes))
    finish(stores, name, at=at)


def names(stores: InstancesDatabase) -> list[str]:
    return sorted(instance.id for instance in stores.reader.list(limit=500))


def rows(stores: InstancesDatabase, table: sa.Table) -> int:
    with stores._database.reading() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def test_old_ends_go_with_all_that_belongs_to_them(stores):
    record(stores, *(started(name) for name in ("old", "older", "recent", "running")))
    record(stores, Record(approvals=[opened("old"), opened("running")]))
    (approval,) = stores.approvals.list(instance="old")
    stores.approvals.add_token(approval.id, "ada", "hash")
    line = LogLine(instance="old", path="build", attempt=1, number=1, stream="stdout", text="x", at=1)
    stores.logs.append([line])
    for name, at in (("old", 200), ("older", 100), ("recent", 900)):
        finish(stores, name, at=at)
    assert stores.retention.count(ended_before=500) == 2
    first = stores.retention.let_go(ended_before=500, limit=1)
    assert (first.gone, first.seen) == (1, 1)
    with pytest.raises(NotFound):
        stores.reader.get("older")
    assert stores.retention.let_go(ended_before=500, after=first.last, limit=100).gone == 1
    assert stores.retention.let_go(ended_before=500, limit=100).gone == 0
    assert names(stores) == ["recent", "running"]
    assert stores.retention.sweep(100) > 0
    assert stores.reader.scopes("old") == {}
    assert stores.reader.history("old") == []
    assert stores.logs.read("old") == []
    assert [one.instance for one in stores.approvals.list(state=None)] == ["running"]
    assert stores.approvals.by_token("hash") is None
    assert stores.retention.sweep(100) == 0
    assert [one.instance for one in stores.recovery.live(None)] == ["running"]


def test_every_table_that_names_an_instance_is_swept():
    """A table that is added one day must not be forgotten. Files are swept by themselves; `remains` says what is to be swept."""
    naming = {table for table in tables.metadata.tables.values() if "instance_id" in table.c}
    assert naming == {*OWNED, tables.artifacts, tables.remains}


def test_a_large_instance_goes_in_pieces_and_is_gone_from_the_first(stores):
    ended(stores, "large", at=100)
    ended(stores, "other", at=900)
    record(stores, Record(scopes=[scope("large", 1, path=f"a[{n}]", status="settled") for n in range(25)]))
    record(stores, Record(history=[event("large", 10 + n) for n in range(25)]))
    assert stores.retention.let_go(ended_before=500, limit=10).gone == 1
    assert names(stores) == ["other"]
    swept = []
    while piece := stores.retention.sweep(10):
        swept.append(piece)
    assert max(swept) == 10
    assert sum(swept) == 25 + 25 + 4  # its first scope, two events, its end
    assert rows(stores, tables.scopes) == 1
    assert rows(stores, tables.history) == 2
    assert rows(stores, tables.remains) == 0


def test_a_child_stays_while_its_parent_lives_and_holds_up_nobody(stores):
    record(stores, started("parent"))
    for n in range(5):
        ended(stores, f"child{n}", at=100 + n, parent=Parent(instance="parent", path="c", attempt=1), depth=1)
    ended(stores, "orphan", at=200, parent=Parent(instance="gone", path="c", attempt=1), depth=1)
    ended(stores, "plain", at=201)
    first = stores.retention.let_go(ended_before=500, limit=4)
    assert (first.gone, first.seen) == (0, 4)
    second = stores.retention.let_go(ended_before=500, after=first.last, limit=4)
    assert (second.gone, second.seen, second.last) == (2, 3, None)
    assert names(stores) == [*(f"child{n}" for n in range(5)), "parent"]
    finish(stores, "parent", at=300)
    assert stores.retention.let_go(ended_before=500, limit=100).gone == 6


def test_the_newest_of_a_workflow_are_kept_and_so_are_those_that_live(stores):
    for n in range(6):
        ended(stores, f"a{n}", at=100 + n, workflow="a", started_at=n)
    record(stores, started("live", workflow="a", started_at=-1))
    ended(stores, "late", at=900, workflow="a", started_at=-2)
    ended(stores, "b0", at=100, workflow="b", started_at=0)
    keys = {"ended_before": 500, "limit": 2}
    first = stores.retention.let_go_beyond("a", 2, **keys)
    assert (first.gone, names(stores)) == (2, ["a2", "a3", "a4", "a5", "b0", "late", "live"])
    assert stores.retention.let_go_beyond("a", 2, after=first.last, **keys).gone == 2
    assert names(stores) == ["a4", "a5", "b0", "late", "live"]
    for workflow in ("b", "c"):
        assert stores.retention.let_go_beyond(workflow, 2, **keys).seen == 0
    assert stores.retention.let_go_beyond("b", 1, **keys).seen == 0


def test_workflows_with_instances_are_found_one_after_the_other(stores):
    for name in ("b", "a", "b", "c"):
        ended(stores, f"{name}{len(names(stores))}", at=1, workflow=name)
    found, last = [], stores.retention.next_workflow("")
    while last is not None:
        found.append(last)
        last = stores.retention.next_workflow(last)
    assert found == ["a", "b", "c"]


def test_a_definition_goes_when_no_instance_has_it(stores):
    ended(stores, "old", at=100)
    other = Record(definitions={"d2": {"name": "other"}})
    record(stores, other)
    ended(stores, "used", at=900, digest="d1")
    assert stores.retention.forget_definitions() == 1
    with stores.store.lock([]) as locked:
        locked.definition("d1")
    prune(stores, before=1_000)
    assert stores.retention.forget_definitions() == 1
    assert rows(stores, tables.definitions) == 0
    assert stores.retention.forget_definitions() == 0


def test_old_deliveries_go_but_none_that_waits_and_their_keys_count_on(stores):
    for name in ("e1", "e2"):
        receive(stores, delivery(name, name))
    record(stores, Record(deliveries=[DeliveryResult(id="e1", state="ignored")]))
    assert stores.retention.forget(before=stores.recovery.now() + 60_000, limit=10) == 1
    assert [one.id for one in stores.deliveries.list()] == ["e2"]
    assert receive(stores, delivery("e3", "e1")) == ["e1"], "it is still known for its hours"


def test_parked_messages_go_and_those_that_wait_stay(stores):
    record(stores, Record(outbox=[message("waiting")]))
    for _ in range(3):
        stores.outbox.park(message(""), "it cannot be read")
    assert stores.outbox.size() == (1, 3)
    assert stores.retention.forget(before=stores.recovery.now() - 60_000, limit=2) == 0
    assert stores.retention.forget(before=stores.recovery.now() + 60_000, limit=2) == 2
    assert stores.retention.forget(before=stores.recovery.now() + 60_000, limit=2) == 1
    assert stores.outbox.size() == (1, 0)


@pytest.fixture
def postgres(postgres_url):
    opened = open_instances(postgres_url)
    yield opened
    opened.close()


@pytest.mark.postgres
def test_one_that_somebody_has_locked_stays_until_next_time(postgres):
    """A retry comes first or finds nothing: never half of an instance."""
    ended(postgres, "retried", at=100)
    ended(postgres, "plain", at=101)
    with postgres.store.lock([("retried", "")]) as locked:
        assert postgres.retention.let_go(ended_before=500, limit=10).gone == 1
        locked.record(Record(instances=[InstanceChange(id="retried", seq=3, state="running")]))
    assert postgres.retention.let_go(ended_before=500, limit=10).gone == 0
    assert names(postgres) == ["retried"]
    assert len(postgres.reader.history("retried")) == 2


@pytest.mark.postgres
def test_a_definition_that_a_start_has_seen_is_left_alone(postgres):
    """Or the instance would be stored without what it runs by."""
    ended(postgres, "old", at=100)
    prune(postgres, before=500)
    with postgres.store.lock([]) as locked:
        locked.definition("d1")
        with pytest.raises(Unavailable):
            postgres.retention.forget_definitions()
        locked.record(started("new"))
    assert postgres.retention.forget_definitions() == 0
    assert postgres.store.definition("d1")
