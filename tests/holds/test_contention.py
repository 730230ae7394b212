"""Many writers on one database: nobody's write is lost, nobody is told that the database is busy."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from statistics import quantiles

import pytest

from engine.adapters.databases.connect import InstancesDatabase, open_definitions, open_instances
from engine.app.records import InstanceChange, Record
from engine.errors import Conflict
from tests.holds.given import event, message, record, scope, started


def advance(stores: InstancesDatabase, *ids: str) -> None:
    """What a batch does: read under lock, count up, write."""
    with stores.store.lock([(name, "") for name in ids]) as locked:
        change = Record()
        for name in ids:
            seq, version = locked.instances[name].seq + 1, locked.scopes[name, ""].version + 1
            change.instances.append(InstanceChange(id=name, seq=seq))
            change.scopes.append(scope(name, version))
            change.history.append(event(name, seq))
            change.outbox.append(message(f"{name}-{seq}"))
        locked.record(change)


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


WRITER = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from engine.adapters.databases.connect import open_instances
from tests.holds.test_contention import advance

stores, threads, each = open_instances(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])

def write(_):
    before = time.monotonic()
    advance(stores, "shared")
    return time.monotonic() - before

with ThreadPoolExecutor(threads) as pool:
    print(*pool.map(write, range(threads * each)))
"""


@pytest.mark.parametrize(
    ("processes", "threads", "each"),
    [(2, 3, 10), pytest.param(4, 5, 500, marks=[pytest.mark.long, pytest.mark.timeout(600)])],
)
def test_processes_and_threads_share_a_file(
    sqlite_url: str, processes: int, threads: int, each: int, pytestconfig: pytest.Config
):
    """RELIABILITY R11: no SQLITE_BUSY reaches anybody, and all of it is there in the end."""
    stores = open_instances(sqlite_url)
    record(stores, started("shared"))
    argv = [sys.executable, "-c", WRITER, sqlite_url, str(threads), str(each)]
    running = [
        subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(processes)
    ]
    waits: list[float] = []
    for process in running:
        output, errors = process.communicate(timeout=600)
        assert (process.returncode, errors) == (0, "")
        waits += [float(line) for line in output.split()]
    total = processes * threads * each
    assert len(waits) == total
    assert stores.reader.scopes("shared")[""]["status"] == "running"
    with stores.store.lock([("shared", "")]) as locked:
        assert (locked.instances["shared"].seq, locked.scopes["shared", ""].version) == (total + 1, total + 1)
    stores.close()
    if pytestconfig.getoption("--long"):
        assert quantiles(waits, n=100)[98] < 1  # seconds; as promised


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
