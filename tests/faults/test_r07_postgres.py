"""R7: PostgreSQL may stop at once and come back, again and again: every instance ends with exactly its result."""

from __future__ import annotations

import random
import time

import pytest

from tests.faults.loads import dag
from tests.servers import wait_until

RECOVERY = 60.0
DAG = dag(3)


@pytest.mark.postgres
@pytest.mark.redis
def test_immediate_restarts_under_load(begin, production, postgres_server, long):
    chance, restarts = random.Random(7), 12 if long else 2
    ledger = begin(production, DAG)
    with ledger.quiet():
        ledger.fill(DAG.name, 20, "quiet")
    with ledger.filling(DAG.name, "broken"):
        for _ in range(restarts):
            before = len(ledger.acknowledged)
            time.sleep(chance.uniform(5, 40) if long else chance.uniform(0.2, 1))
            wait_until(lambda: len(ledger.acknowledged) > before, what="work to go on", seconds=RECOVERY)  # noqa: B023 - called at once
            postgres_server.stop()
            time.sleep(chance.uniform(0, 2) if long else chance.uniform(0, 0.5))
            postgres_server.start()
    recovery = ledger.wait_for_end(RECOVERY)
    ledger.check(DAG, restarts=restarts, recovery=recovery)
