"""R16: workers go away, all of them for a while and some of them again and again: nothing is lost and nothing done twice."""

from __future__ import annotations

import random
import time

import pytest

from tests.faults.loads import dag

KINDS = ("task-worker", "notification-worker")
COMMIT = "c" * 40
LOAD = dag(10, seconds=0.05)
RECOVERY = 60.0


@pytest.mark.postgres
@pytest.mark.redis
def test_workers_come_and_go(begin, production, long):
    chance = random.Random(16)
    each, rounds, minute, away = (5, 10, 60.0, 300.0) if long else (2, 3, 0.3, 0.5)
    ledger = begin(production, LOAD)
    workers = [*KINDS, *(f"{kind} {number}" for kind in KINDS for number in range(2, each + 1))]
    for name in workers[len(KINDS) :]:
        production.start(name, name.split()[0])
    with ledger.quiet():
        ledger.fill(LOAD.name, 10, "quiet")
    for name in workers:
        production.stop(name)
    ledger.fill(LOAD.name, 200 if long else 10, "nobody-there")
    time.sleep(away)
    assert not ledger.ended()
    for name in workers:
        production.restart(name)
    steady = ledger.steadily(lambda key: ledger.deliver(COMMIT, key), 600 if long else 15, seconds=rounds * minute)
    for _ in range(rounds):
        began = time.monotonic()
        for name in chance.sample(workers, max(1, round(0.3 * len(workers)))):
            production.kill(name) if chance.random() < 0.5 else production.stop(name)
            production.restart(name)
        time.sleep(max(0.0, began + minute - time.monotonic()))
    steady.join()
    recovery = ledger.wait_for_end(RECOVERY)
    ledger.check(LOAD, workers=len(workers), restarts=rounds * max(1, round(0.3 * len(workers))), recovery=recovery)
