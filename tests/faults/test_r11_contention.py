"""R11: many writers on one SQLite file; nobody is told that it is busy, and nobody waits for long."""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import quantiles

from engine.adapters.databases.connect import open_instances
from tests.holds.given import advance, record, started

WRITER = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from engine.adapters.databases.connect import open_instances
from tests.holds.given import advance

stores, threads, each = open_instances(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])

def write(_):
    before = time.monotonic()
    advance(stores, "shared")
    return time.monotonic() - before

with ThreadPoolExecutor(threads) as pool:
    print(*pool.map(write, range(threads * each)))
"""
BESIDE = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from engine.adapters.databases.connect import open_instances
from engine.app.records import Record
from tests.holds.given import message

stores = open_instances(sys.argv[1])

def write(number):
    while True:
        with stores.store.lock([]) as locked:
            time.sleep(0.015)
            locked.record(Record(outbox=[message(f"{number}-{time.monotonic_ns()}")]))
        print("written", flush=True)

with ThreadPoolExecutor(8) as pool:
    list(pool.map(write, range(8)))
"""
LONGEST = 1.0
"""Seconds in which 99 of 100 transactions must be over."""


def test_processes_and_threads_share_a_file(tmp_path, long, measured):
    """Each transaction reads and then writes the same rows, which SQLite refuses at once where it began as a reader (B3)."""
    processes, threads, each = (4, 5, 500) if long else (2, 3, 10)
    url = f"sqlite:///{tmp_path}/shared.db"  # on a disk, which takes its time over each commit
    stores = open_instances(url)
    stores.upgrade()
    record(stores, started("shared"))
    argv = [sys.executable, "-c", WRITER, url, str(threads), str(each)]
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
    p99 = quantiles(waits, n=100)[98]
    measured(transactions=total, busy=0, p99_ms=p99 * 1000, longest_ms=max(waits) * 1000)
    if long:  # what a loaded machine does to 60 transactions says nothing
        assert p99 < LONGEST


def test_who_writes_now_and_then_is_not_kept_out_by_who_always_does(tmp_path, long, measured):
    """One process has no pause between its transactions; SQLite lets the other look for one only every 100 ms after a while."""
    url = f"sqlite:///{tmp_path}/shared.db"
    stores = open_instances(url)
    stores.upgrade()
    record(stores, started("shared"))
    waits: list[float] = []
    argv = [sys.executable, "-c", BESIDE, url]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as beside:
        try:
            assert beside.stdout is not None
            assert beside.stdout.readline() == b"written\n"
            for _ in range(100 if long else 4):
                before = time.monotonic()
                advance(stores, "shared")  # raises Unavailable after 10 s
                waits.append(time.monotonic() - before)
        finally:
            beside.kill()
    stores.close()
    measured(writes=len(waits), refused=0, longest_ms=max(waits) * 1000)
