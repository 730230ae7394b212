"""What only PostgreSQL's store does: rows that others hold are left out, its time is believed, connections die."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

from engine.adapters.databases.connect import InstancesDatabase, open_instances
from engine.adapters.databases.postgres import server_time
from engine.adapters.databases.postgres.batch import driver
from engine.adapters.databases.postgres.locked import PostgresLocked
from engine.adapters.databases.postgres.server_time import SECONDS, ServerTime
from engine.adapters.databases.postgres.store import PostgresInstanceStore
from engine.app.records import Record
from engine.errors import Unavailable
from tests.holds.given import message, record, started
from tests.holds.test_known import known, second

pytestmark = pytest.mark.postgres

NEAR = 600_000
"""Milliseconds by which the clocks of a machine may differ."""


@pytest.fixture
def stores(postgres_url: str) -> Iterator[InstancesDatabase]:
    opened = open_instances(postgres_url)
    yield opened
    assert checked_out(opened) == 0
    opened.close()


@pytest.fixture
def others(stores: InstancesDatabase, postgres_url: str) -> Iterator[InstancesDatabase]:
    opened = open_instances(postgres_url)
    yield opened
    opened.close()


def store_of(stores: InstancesDatabase) -> PostgresInstanceStore:
    assert isinstance(stores.store, PostgresInstanceStore)
    return stores.store


def checked_out(stores: InstancesDatabase) -> int:
    return store_of(stores)._database.batches.pool.checkedout()  # type: ignore[attr-defined,no-any-return]


def is_now(milliseconds: int) -> bool:
    return abs(milliseconds - time.time() * 1000) < NEAR


def test_the_time_is_read_also_where_all_that_is_free_is_known(stores: InstancesDatabase, others: InstancesDatabase):
    record(stores, started("hot"), started("i1"))
    keys = [("hot", ""), ("i1", "")]
    with others.store.lock([("hot", "")]):
        for _ in range(2):  # the second time what is held is looked for first
            with stores.store.lock(keys, known=known("i1"), skip_held=True) as locked:
                assert is_now(locked.now)
                assert (set(locked.instances), set(locked.held)) == ({"i1"}, {"hot"})
        with stores.store.lock([]) as locked:
            assert is_now(locked.now)


def test_the_time_is_read_also_where_nothing_is_free(stores: InstancesDatabase, others: InstancesDatabase):
    record(stores, started("hot"), started("i1"))
    keys = [("hot", ""), ("i1", "")]
    with others.store.lock([("hot", "")]):
        with stores.store.lock([("hot", "")], skip_held=True) as locked:
            assert is_now(locked.now)
        with others.store.lock([("i1", "")]), stores.store.lock(keys, known=known("i1"), skip_held=True) as locked:
            assert is_now(locked.now)
            assert (set(locked.instances), set(locked.held)) == (set(), {"hot", "i1"})
        with stores.store.lock([("hot", "")], skip_held=True) as locked:  # all that was asked for is held still
            assert is_now(locked.now)
            assert (set(locked.instances), set(locked.held)) == (set(), {"hot"})


def test_what_was_said_long_after_it_was_asked_is_not_believed(
    stores: InstancesDatabase, monkeypatch: pytest.MonkeyPatch
):
    at = time.monotonic()
    told = ServerTime()
    told.said(5_000, asked=at, at=at)
    assert told.now() is not None
    told.said(5_000, asked=at - SECONDS / 2, at=at)
    assert told.now() is None
    record(stores, started("i1"))
    for keys, believed in (([("i1", "")], {}), ([("i1", "")], known("i1"))):
        with stores.store.lock(keys, known=believed) as locked:
            locked.record(Record())
        assert store_of(stores)._time.now() is not None
    monkeypatch.setattr(server_time, "PROMPT", 0.0)
    for believed in (known("i1"), {}):
        with stores.store.lock([("i1", "")], known=believed) as locked:
            locked.record(Record())
        assert store_of(stores)._time.now() is None


def test_rows_that_the_relay_is_at_are_told(stores: InstancesDatabase):
    record(stores, started("i1"))
    with stores.store.lock([]) as locked:
        assert locked.record(Record(outbox=[message("m1"), message("m2"), message("m3")])) == ()
    with store_of(stores)._database.writing() as connection:
        connection.exec_driver_sql("UPDATE outbox SET publish_after = 0 WHERE id = 'm1'")
    with stores.outbox.claim() as claimed:
        assert [row.id for row in claimed.rows] == ["m1"]
        with stores.store.lock([("i1", "")], known=known("i1")) as locked:
            done = second("i1")
            done.published = ["m1", "m2"]
            assert list(locked.record(done)) == ["m1"]
        assert list(stores.store.delete_published(["m1", "m3", "gone"])) == ["m1"]
        assert stores.outbox.size() == (1, 0)
        claimed.put_off("m1")
    with stores.store.lock([]) as locked:
        assert list(locked.record(Record(published=["m2", "m3"]))) == []  # deleted before
    assert list(stores.store.delete_published(["m1"])) == []
    assert stores.outbox.size() == (0, 0)


@pytest.mark.parametrize("believed", [False, True])
@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda locked: locked.children("i1").load([""]), id="children"),
        pytest.param(lambda locked: locked.gates.take_turn("g", 1, 1, 1), id="gates"),
        pytest.param(lambda locked: locked.values("i1", ["x"]), id="values"),
        pytest.param(lambda locked: locked.record(second("i1")), id="record"),
    ],
)
def test_a_connection_that_dies_on_the_way_is_unavailable(
    stores: InstancesDatabase, postgres_url: str, use: Callable[[PostgresLocked], object], believed: bool
):
    record(stores, started("i1"))

    def use_what_dies() -> None:
        with stores.store.lock([("i1", "")], known=known("i1") if believed else {}) as locked:
            assert isinstance(locked, PostgresLocked)
            kill(postgres_url, driver(locked._connection).pgconn.backend_pid)
            use(locked)

    with pytest.raises(Unavailable):
        use_what_dies()
    with stores.store.lock([("i1", "")]) as locked:
        assert locked.instances["i1"].seq == 1


def kill(url: str, pid: int) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
