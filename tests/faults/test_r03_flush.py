"""R3: a Redis that is wiped under load loses nothing, and what was at work goes on within half a minute."""

from __future__ import annotations

import random
import time
from threading import Thread

import pytest
import redis

from tests.faults.loads import dag, mixed

RECOVERY = 30.0
DAG = dag(10)


@pytest.mark.postgres
@pytest.mark.redis
def test_flushall_under_load(begin, production, redis_url, tmp_path, long):
    chance = random.Random(3)
    long_tasks = mixed(tmp_path / "ran", seconds=2)
    ledger = begin(production, DAG, long_tasks)
    with ledger.quiet():
        ledger.fill(DAG.name, 10, "quiet")
    wiped = []
    for number in range(10 if long else 2):
        began = time.monotonic()
        filling = [
            Thread(target=ledger.fill, args=(DAG.name, 40 if long else 10, f"short-{number}")),
            Thread(target=ledger.fill, args=(long_tasks.name, 9 if long else 3, f"long-{number}")),
        ]
        for thread in filling:
            thread.start()
        time.sleep(chance.uniform(0, 2 if long else 0.5))
        redis.Redis.from_url(redis_url).flushall()
        wiped.append(time.time())
        for thread in filling:
            thread.join()
        if long:
            time.sleep(max(0.0, 10 - (time.monotonic() - began)))
    ledger.wait_for_end(2 * RECOVERY)
    slowest = max(map(ledger.recovery, wiped))
    ledger.check(DAG, long_tasks, flushes=len(wiped), slowest_recovery=slowest)
    assert slowest <= RECOVERY
