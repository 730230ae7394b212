"""R1: kill -9 of any process under load loses nothing and does nothing twice."""

from __future__ import annotations

import random
import time

import pytest

from tests.faults.loads import dag
from tests.fleet import DISTRIBUTED

RECOVERY = 60.0
"""Seconds after the last kill in which every instance must have ended."""
DAG = dag(10, seconds=0.03)


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.runs(20)
def test_kills_lose_nothing_and_double_nothing(run, begin, production, repository, long):
    """In the short form every kind of process is killed once."""
    chance = random.Random(run)
    ledger = begin(production, DAG)
    commit = repository.git("rev-parse", "HEAD")
    with ledger.quiet():
        for number in range(5):
            ledger.deliver(commit, f"quiet-{number}")
    victims = chance.choices(DISTRIBUTED, k=12) if long else chance.sample(DISTRIBUTED, len(DISTRIBUTED))
    count, seconds = (200, 20) if long else (20, 2)
    load = ledger.steadily(lambda key: ledger.deliver(commit, key), count, seconds=seconds)
    for victim in victims:
        time.sleep(chance.uniform(0.5, 3) if long else chance.uniform(0, 0.5))
        production.kill(victim)
        killed = time.time()
        production.restart(victim)
    load.join()
    ledger.wait_for_end(RECOVERY)
    recovery = ledger.recovery(killed)
    ledger.check(DAG, kills=len(victims), recovery=recovery)
    assert recovery <= RECOVERY


def test_dev_survives_kill_9(begin, embedded, repository, long):
    """One process, SQLite and memory: what was acknowledged goes on after a restart."""
    kills = 20 if long else 1
    ledger = begin(embedded, DAG)
    commit = repository.git("rev-parse", "HEAD")
    with ledger.quiet():
        ledger.deliver(commit, "quiet")
    for kill in range(kills):
        for number in range(5):
            ledger.deliver(commit, f"{kill}-{number}")
        embedded.kill("dev")
        killed = time.time()
        embedded.restart("dev")
        embedded.wait_ready()
    ledger.wait_for_end(RECOVERY)
    ledger.check(DAG, kills=kills, recovery=ledger.recovery(killed))
