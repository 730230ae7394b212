"""Many writers on one database: nobody's write is lost, nobody is told that the database is busy."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

from engine.adapters.databases.connect import InstancesDatabase, open_definitions, open_instances
from engine.app.records import InstanceChange, Record
from engine.errors import Conflict
from tests.holds.given import advance, event, record, started


def test_threads_that_advance_the_same_instances_lose_nothing(stores: InstancesDatabase):
    """Half of them name the instances in the other order: locks are taken in one order all the same."""
    record(stores, started("i1"), started("i2"), started("i3"))
    orders = [("i1", "i2", "i3"), ("i3", "i2", "i1"), ("i2", "i3"), ("i3", "i1")]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: advance(stores, *orders[number % 4]), range(60)))
    with stores.store.lock([("i1", ""), ("i2", ""), ("i3", "")]) as locked:
        assert {name: found.seq for name, found in locked.instances.items()} == {"i1": 46, "i2": 46, "i3": 61}
        assert {key[0]: found.version for key, found in locked.scopes.items()} == {"i1": 46, "i2": 46, "i3": 61}
    assert [row.seq for row in stores.reader.history("i3")] == list(range(1, 62))
    assert stores.outbox.size() == (150, 0)


def test_what_others_hold_is_left_out(stores: InstancesDatabase, database_url: str):
    """On PostgreSQL. On SQLite, where one holds everything, it is waited for."""
    record(stores, started("i1"), started("i2"))
    keys = [("i1", ""), ("i2", ""), ("gone", "")]
    locked_, over = Event(), Event()

    def hold() -> None:
        with stores.store.lock([("i1", "")]) as locked:
            locked_.set()
            over.wait(0.3)
            locked.record(Record(instances=[InstanceChange(id="i1", seq=2)], history=[event("i1", 2)]))

    with ThreadPoolExecutor(1) as threads:
        holding = threads.submit(hold)
        locked_.wait(30)
        with stores.store.lock(keys, facts_of=["i1", "i2", "gone"], skip_held=True) as locked:
            found, held, read = set(locked.instances), set(locked.held), {name for name, _ in locked.scopes}
        over.set()
        holding.result(30)
    assert (found, held, read) in ((({"i2"}, {"i1"}, {"i2"})), ({"i1", "i2"}, set(), {"i1", "i2"}))
    assert bool(held) == database_url.startswith("postgresql")
    with stores.store.lock(keys, skip_held=True) as locked:
        assert (locked.instances["i1"].seq, set(locked.instances), set(locked.held)) == (2, {"i1", "i2"}, set())


def test_one_of_many_starts_with_the_same_key_counts(stores: InstancesDatabase):
    def start(number: int) -> bool:
        try:
            record(stores, started(f"i{number}", start_key="k"))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(start, range(20)))
    assert outcomes.count(True) == 1
    assert len(stores.reader.list()) == 1


def test_new_definitions_in_any_order_do_not_lock_up(stores: InstancesDatabase):
    digests = {f"d{number}": {"n": number} for number in range(30)}

    def start(number: int) -> None:
        one = started(f"i{number}")
        names = list(digests) if number % 2 else list(reversed(digests))
        record(stores, replace(one, definitions={name: digests[name] for name in names}))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(start, range(16)))
    assert stores.store.definition("d7") == {"n": 7}


def test_one_url_may_serve_both_databases(database_url: str):
    stores, definitions = open_instances(database_url), open_definitions(database_url)
    record(stores, started("i1"))

    def write(number: int) -> None:
        if number % 2:
            advance(stores, "i1")
        else:
            definitions.definitions.request_sync(f"source-{number}")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(40)))
    assert len(stores.reader.history("i1")) == 21
    assert definitions.definitions.take_sync_request("source-38")
    for database in (stores, definitions):
        database.close()


def test_readers_do_not_wait_for_a_writer(stores: InstancesDatabase):
    record(stores, started("i1"))
    with stores.store.lock([("i1", "")]):
        before = time.monotonic()
        assert stores.reader.get("i1").state == "running"
        assert [one.instance for one in stores.recovery.live(None)] == ["i1"]
        assert time.monotonic() - before < 5
