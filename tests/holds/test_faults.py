"""What databases do wrong: they go away, lose answers, fill up, are busy. Callers see Unavailable, and go on after it."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.adapters.databases.connect import InstancesDatabase, open_definitions, open_instances
from engine.adapters.databases.postgres import database as postgres_database
from engine.adapters.databases.sqlite import database as sqlite_database
from engine.errors import Broken, Conflict, Unavailable
from tests.holds.given import delivery, record, started
from tests.ports import free_port
from tests.servers import PostgresServer


class Cutter:
    """A TCP proxy before PostgreSQL. Armed, it passes on what the client says next, swallows the answer and hangs up."""

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.armed = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._upstream))
                for source, target, answers in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._pass_on, args=(source, target, answers), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with source, target, contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if answers and self.armed.is_set():
                    self.armed.clear()
                    break
                target.sendall(data)
            for end in (source, target):
                end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def cutter(postgres_server: PostgresServer) -> Iterator[Cutter]:
    proxy = Cutter(postgres_server.port)
    yield proxy
    proxy.close()


@pytest.mark.postgres
def test_a_commit_whose_answer_is_lost_happens_once(cutter: Cutter, postgres_url: str, pytestconfig: pytest.Config):
    """RELIABILITY R8: sent again until it is answered; the start key tells that it had happened."""
    stores = open_instances(sa.make_url(postgres_url).set(port=cutter.port).render_as_string(hide_password=False))
    rounds = 200 if pytestconfig.getoption("--long") else 10
    for number in range(rounds):
        start = started(f"i{number}", start_key=f"k{number}")
        with pytest.raises(Unavailable), stores.store.lock([]) as locked:  # noqa: PT012 - only the record can raise it
            cutter.armed.set()
            locked.record(start)
        with pytest.raises(Conflict):
            record(stores, start)
    assert {one.id for one in stores.reader.list(limit=500)} == {f"i{number}" for number in range(rounds)}
    stores.close()


@pytest.mark.postgres
def test_a_lost_answer_to_the_lock_is_asked_again(cutter: Cutter, postgres_url: str):
    stores = open_instances(sa.make_url(postgres_url).set(port=cutter.port).render_as_string(hide_password=False))
    record(stores, started("i1"))
    cutter.armed.set()
    with stores.store.lock([("i1", "")]) as locked:
        assert locked.instances["i1"].seq == 1
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
        lambda: stores.deliveries.receive(delivery("e1", "k")),
        lambda: stores.store.delete_published(["m1"]),
        stores.ping,
        stores.current,
        definitions.definitions.active_all,
    ):
        with pytest.raises(Unavailable):
            call()
    postgres_server.start()
    record(stores, started("i4"))
    stores.deliveries.receive(delivery("e1", "k"))
    definitions.ping()
    assert {one.id for one in stores.reader.list()} == {"i1", "i4"}
    for database in (stores, definitions):
        database.close()


@pytest.mark.postgres
def test_connections_that_died_idle_cost_no_error(postgres_server: PostgresServer, postgres_url: str):
    stores = open_instances(postgres_url)
    record(stores, started("i1"))
    stores.reader.list()
    with stores.store.lock([]), stores.store.lock([]), stores.store.lock([]):
        pass
    postgres_server.stop(signal.SIGQUIT)
    postgres_server.start()
    record(stores, started("i2"))
    stores.store.delete_published(["m1"])
    stores.deliveries.receive(delivery("e1", "k"))
    assert {one.id for one in stores.reader.list()} == {"i1", "i2"}
    stores.close()


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
        stores.deliveries.receive(delivery("e1", "k", body=b"x" * 500_000))
    with writer.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
    assert stores.deliveries.receive(delivery("e1", "k")) is None
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
