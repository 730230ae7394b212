"""R5: webhooks are accepted, durably, while there is no Redis; with an empty one the backlog is worked off within a minute."""

from __future__ import annotations

import signal
import time

import pytest

from tests.faults.loads import dag

DRAINED = 60.0
DAG = dag(3)


@pytest.mark.postgres
@pytest.mark.redis
def test_webhooks_while_redis_is_lost(begin, production, repository, redis_server, long):
    away, count = (60, 200) if long else (3, 20)
    ledger = begin(production, DAG)
    commit = repository.git("rev-parse", "HEAD")
    with ledger.quiet():
        for number in range(10):
            ledger.deliver(commit, f"quiet-{number}")
    redis_server.stop(signal.SIGKILL)
    stopped, slowest = time.monotonic(), 0.0
    for number in range(count):
        asked = time.monotonic()
        ledger.deliver(commit, f"meanwhile-{number}", seconds=0)
        slowest = max(slowest, time.monotonic() - asked)
        time.sleep(max(0.0, stopped + away * (number + 1) / count - time.monotonic()))
    redis_server.start()
    drained = ledger.wait_for_end(DRAINED)
    ledger.check(DAG, slowest_answer=slowest, drained=drained)
