"""R1: kill -9 of any process under load loses nothing and does nothing twice."""

from __future__ import annotations

import random
import time

import pytest

from tests.faults.loads import chain
from tests.fleet import DISTRIBUTED

HOLDING = ("task-worker", "notification-worker", "scheduler", "webhooks")
"""Those that a kill may catch with work in hand."""
RECOVERY = 60.0
"""Seconds after the last kill in which every instance must have ended."""
DAG = chain(10)


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.runs(20)
def test_kills_lose_nothing_and_double_nothing(run, begin, production, repository, long):
    """In the short form every kind of process is killed once, those that hold work twice, each in a moment of its own."""
    chance = random.Random(run)
    ledger = begin(production, DAG)
    commit = repository.git("rev-parse", "HEAD")
    with ledger.quiet():
        for number in range(5):
            ledger.deliver(commit, f"quiet-{number}")
    victims = chance.choices(DISTRIBUTED, k=10) if long else chance.sample((*DISTRIBUTED, *HOLDING), 11)
    for kill, victim in enumerate(victims):
        for number in range(20 if long else 3):
            ledger.deliver(commit, f"{kill}-{number}")
        time.sleep(chance.uniform(0.5, 3) if long else chance.uniform(0, 0.3))
        production.kill(victim)
        production.restart(victim)
    recovery = ledger.wait_for_end(RECOVERY)
    ledger.check(DAG, kills=len(victims), recovery=recovery)


def test_dev_survives_kill_9(begin, embedded, repository, long):
    """One process, SQLite and memory: what was acknowledged goes on after a restart."""
    kills = 20 if long else 2
    ledger = begin(embedded, DAG)
    commit = repository.git("rev-parse", "HEAD")
    with ledger.quiet():
        ledger.deliver(commit, "quiet")
    for kill in range(kills):
        for number in range(5):
            ledger.deliver(commit, f"{kill}-{number}")
        embedded.kill("dev")
        embedded.restart("dev")
        embedded.wait_ready()
    recovery = ledger.wait_for_end(RECOVERY)
    ledger.check(DAG, kills=kills, recovery=recovery)
