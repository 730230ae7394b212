"""R22: the database is restored from a dump that was made in the middle of it all, with an empty Redis: all it holds goes on."""

from __future__ import annotations

import subprocess
import time
from threading import Thread

import pytest

from tests.faults.loads import dag
from tests.fleet import DISTRIBUTED

LOAD = dag(10, seconds=0.02)
RECOVERY = 60.0


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.runs(5)
def test_what_a_dump_holds_goes_on(run, begin, production, postgres_server, redis_server, long):
    count = 200 if long else 30
    ledger = begin(production, LOAD)
    with ledger.quiet():
        ledger.fill(LOAD.name, 10, "quiet")
    filling = Thread(target=ledger.fill, args=(LOAD.name, count, "running"))
    filling.start()
    while len(ledger.acknowledged) < count // 2:
        time.sleep(0.01)
    dump = production.folder / "dump"
    held = set(ledger.acknowledged)
    _postgres(postgres_server, "pg_dump", "--format=custom", f"--file={dump}", f"--dbname={_plain(ledger.url)}")
    filling.join()
    for name in DISTRIBUTED:
        production.kill(name)

    restored = postgres_server.url(postgres_server.create_database())
    _postgres(postgres_server, "pg_restore", "--exit-on-error", f"--dbname={_plain(restored)}", str(dump))
    ledger.url = restored
    in_it = {name for (name,) in ledger.rows("SELECT id FROM instances")}
    gone = {key for key, (instance,) in ledger.acknowledged.items() if instance not in in_it}
    assert gone.isdisjoint(held)
    for key in gone:
        del ledger.acknowledged[key]
    unfinished = ledger.count("SELECT count(*) FROM instances WHERE state NOT IN ('succeeded', 'failed', 'cancelled')")
    assert unfinished > 0, "the dump was not made in the middle of anything"
    production.environment |= {
        "HEADRACE_INSTANCES_URL": restored,
        "HEADRACE_DEFINITIONS_URL": restored,
        "HEADRACE_BROKER_URL": redis_server.fresh_url(),
    }
    for name in DISTRIBUTED:
        production.restart(name)
    production.wait_ready()
    recovery = ledger.wait_for_end(RECOVERY)
    ledger.check(LOAD, unfinished_in_the_dump=unfinished, after_the_dump=len(gone), recovery=recovery)


def _plain(url: str) -> str:
    return url.replace("+psycopg", "")


def _postgres(server, program: str, *arguments: str) -> None:
    done = subprocess.run([server.binaries / program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
