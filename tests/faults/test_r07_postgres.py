"""R7: PostgreSQL may stop at once and come back, again and again: every instance ends with exactly its result."""

from __future__ import annotations

import random
import time
from threading import Thread

import pytest

from tests.faults.loads import dag

RECOVERY = 60.0
DAG = dag(3)


@pytest.mark.postgres
@pytest.mark.redis
def test_immediate_restarts_under_load(begin, production, postgres_server, long):
    chance = random.Random(7)
    ledger = begin(production, DAG)
    with ledger.quiet():
        ledger.fill(DAG.name, 20, "quiet")
    filling = Thread(target=ledger.fill, args=(DAG.name, 5_000 if long else 60, "broken"))
    filling.start()
    restarts = 0
    while filling.is_alive() or restarts == 0:
        time.sleep(chance.uniform(5, 40) if long else chance.uniform(0.2, 1))
        postgres_server.stop()
        time.sleep(chance.uniform(0, 2) if long else chance.uniform(0, 0.5))
        postgres_server.start()
        restarts += 1
    filling.join()
    recovery = ledger.wait_for_end(RECOVERY)
    ledger.check(DAG, restarts=restarts, recovery=recovery)
