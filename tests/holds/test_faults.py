"""What databases do wrong: they go away, lose answers, fill up, are busy. Callers see Unavailable, and go on after it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.adapters.databases.connect import InstancesDatabase, open_definitions, open_instances
from engine.adapters.databases.postgres import database as postgres_database
from engine.adapters.databases.postgres.connection import PromptConnection
from engine.adapters.databases.sqlite import database as sqlite_database
from engine.errors import Broken, Conflict, NotFound, Unavailable
from tests.holds.given import delivery, receive, record, started
from tests.ports import free_port
from tests.proxy import Proxy, proxy
from tests.servers import PostgresServer


@pytest.fixture
def way(postgres_server: PostgresServer) -> Iterator[Proxy]:
    """To PostgreSQL."""
    with proxy(postgres_server.port) as made:
        yield made


@pytest.mark.postgres
def test_a_commit_whose_answer_is_lost_happens_once(way: Proxy, postgres_url: str, pytestconfig: pytest.Config):
    """RELIABILITY R8: sent again until it is answered; the start key tells that it had happened."""
    stores = open_instances(way.before(postgres_url))
    rounds = 200 if pytestconfig.getoption("--long") else 10
    for number in range(rounds):
        start = started(f"i{number}", start_key=f"k{number}")
        with pytest.raises(Unavailable), stores.store.lock([]) as locked:  # noqa: PT012 - only the record can raise it
            way.lose("cut")
            locked.record(start)
        with pytest.raises(Conflict):
            record(stores, start)
    assert {one.id for one in stores.reader.list(limit=500)} == {f"i{number}" for number in range(rounds)}
    stores.close()


@pytest.mark.postgres
def test_a_lost_answer_to_the_lock_is_asked_again(way: Proxy, postgres_url: str):
    stores = open_instances(way.before(postgres_url))
    record(stores, started("i1"))
    way.lose("cut")
    with stores.store.lock([("i1", "")]) as locked:
        assert locked.instances["i1"].seq == 1
    way.lose("cut")
    assert stores.reader.get("i1").id == "i1", "nor does a read that is not preceded by a ping fail"
    stores.close()


@pytest.mark.postgres
def test_an_answer_that_never_comes_is_not_waited_for(way: Proxy, postgres_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(PromptConnection, "patience", 0.2)
    stores = open_instances(way.before(postgres_url))
    record(stores, started("i1"))
    way.lose("swallowed")
    with stores.store.lock([("i1", "")]) as locked:
        assert locked.instances["i1"].seq == 1, "asked again, for nothing had happened"
    with pytest.raises(Unavailable), stores.store.lock([]) as locked:  # noqa: PT012 - only the record can raise it
        way.lose("swallowed")
        locked.record(started("i2", start_key="k2"))
    with pytest.raises(Conflict):
        record(stores, started("i2", start_key="k2"))
    for call in (stores.reader.list, lambda: receive(stores, delivery("e1", "k")), stores.ping):
        call()
        way.lose("swallowed")
        with suppress(Unavailable):  # none, where it was the ping that told whether the connection is alive
            call()
        call()
    assert {one.id for one in stores.reader.list()} == {"i1", "i2"}
    stores.close()


@pytest.mark.postgres
def test_a_migration_may_take_longer_than_an_answer(postgres_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(PromptConnection, "patience", 0.2)
    stores = open_instances(postgres_url)
    with stores._database.exclusive() as connection:
        connection.execute(sa.text("SELECT pg_sleep(0.4)"))
    with pytest.raises(Unavailable), stores._database.reading() as connection:
        connection.execute(sa.text("SELECT pg_sleep(0.4)"))
    stores.close()


@pytest.mark.postgres
def test_stores_go_on_after_a_restart(postgres_server: PostgresServer, postgres_url: str):
    stores, definitions = open_instances(postgres_url), open_definitions(postgres_url)
    record(stores, started("i1"))
    with stores.store.lock([]), stores.store.lock([]), stores.store.lock([]):
        pass  # three connections wait in the pool
    with pytest.raises(Unavailable), stores.store.lock([("i1", "")]) as locked:  # noqa: PT012 - as above
        postgres_server.stop(signal.SIGQUIT)
        locked.record(started("i2"))
    for call in (
        lambda: record(stores, started("i3")),
        stores.reader.list,
        lambda: receive(stores, delivery("e1", "k")),
        lambda: stores.store.delete_published(["m1"]),
        stores.ping,
        stores.current,
        definitions.definitions.active_all,
    ):
        with pytest.raises(Unavailable):
            call()
    postgres_server.start()
    record(stores, started("i4"))
    receive(stores, delivery("e1", "k"))
    definitions.ping()
    assert {one.id for one in stores.reader.list()} == {"i1", "i4"}
    for database in (stores, definitions):
        database.close()


@pytest.mark.postgres
def test_connections_that_died_idle_cost_no_error(postgres_server: PostgresServer, postgres_url: str):
    stores, definitions = open_instances(postgres_url), open_definitions(postgres_url)
    record(stores, started("i1"))
    stores.reader.list()
    with pytest.raises(NotFound):
        definitions.definitions.active("release")
    with stores.store.lock([]), stores.store.lock([]), stores.store.lock([]):
        pass
    postgres_server.stop(signal.SIGQUIT)
    postgres_server.start()
    assert stores.reader.get("i1").id == "i1"
    with pytest.raises(NotFound):
        definitions.definitions.active("release")
    record(stores, started("i2"))
    stores.store.delete_published(["m1"])
    receive(stores, delivery("e1", "k"))
    assert {one.id for one in stores.reader.list()} == {"i1", "i2"}
    for database in (stores, definitions):
        database.close()


def test_nobody_there_is_unavailable():
    stores = open_instances(f"postgresql+psycopg://postgres@127.0.0.1:{free_port()}/none")
    with pytest.raises(Unavailable):
        stores.ping()
    with pytest.raises(Unavailable), stores.store.lock([]):
        pass


@pytest.mark.postgres
def test_a_row_locked_too_long_is_unavailable(postgres_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(postgres_database.SESSION, "lock_timeout", "50ms")
    stores = open_instances(postgres_url)
    record(stores, started("i1"))
    with stores.store.lock([("i1", "")]) as first:
        with pytest.raises(Unavailable, match="lock timeout"), stores.store.lock([("i1", "")]):
            pass
        assert first.instances["i1"].seq == 1
    stores.close()


def test_a_busy_file_is_unavailable(sqlite_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sqlite_database, "BUSY_SECONDS", 0.05)
    stores = open_instances(sqlite_url)
    with stores.store.lock([]), pytest.raises(Unavailable, match="another thread"):
        record(stores, started("i1"))
    other = sa.create_engine(sqlite_url)
    with other.connect() as connection:  # stands for another process: it does not take our lock
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="locked"):
            record(stores, started("i1"))
        assert stores.reader.list() == []  # readers are not in the way
    other.dispose()
    record(stores, started("i1"))
    stores.close()


def test_a_full_disk_is_unavailable_and_what_was_stored_stays(sqlite_url: str):
    stores = open_instances(sqlite_url)
    record(stores, started("i1"))
    writer = stores._database._writer
    with writer.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Unavailable, match="full"):
        record(stores, started("i2", inputs={"text": "x" * 500_000}))
    with pytest.raises(Unavailable, match="full"):
        receive(stores, delivery("e1", "k", body=b"x" * 500_000))
    with writer.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
    assert receive(stores, delivery("e1", "k")) == [None]
    assert [one.id for one in stores.reader.list()] == ["i1"]
    stores.close()


def test_a_file_that_is_no_database_is_no_crash(tmp_path: Path):
    (tmp_path / "x.db").write_bytes(b"not a database, but long enough to be read as a header of one" * 20)
    stores = open_instances(f"sqlite:///{tmp_path / 'x.db'}")
    with pytest.raises(Broken):
        stores.ping()
    stores.close()


def test_what_survives_a_fault_is_usable_by_many(stores: InstancesDatabase):
    for _ in range(12):  # more often than there are connections
        with pytest.raises(RuntimeError), stores.store.lock([]) as locked:
            raise RuntimeError(locked.now)
        with pytest.raises(RuntimeError), stores.outbox.claim():
            raise RuntimeError
    record(stores, started("i1"))
