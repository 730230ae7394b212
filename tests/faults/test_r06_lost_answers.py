"""R6: answers of Redis and PostgreSQL get lost, messages come twice and in any order: each task still counts once."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial

import pytest

from tests.faults.loads import dag, mixed
from tests.proxy import Fate, proxy

LOST = 0.01
"""The part of answers that gets lost."""
RECOVERY = 120.0
"""Seconds; a lost answer of PostgreSQL is waited for 35 s if its connection stays open."""
DAG = dag(5)


@pytest.mark.postgres
@pytest.mark.redis
def test_lost_doubled_and_shuffled(begin, production, postgres_server, redis_server, tmp_path, long):
    long_tasks = mixed(tmp_path / "ran", seconds=2)
    with proxy(redis_server.port) as redis, proxy(postgres_server.port) as postgres:
        production.arm("doubling")
        urls = {name: url for name, url in production.environment.items() if name.endswith("_URL")}
        ledger = begin(
            production, DAG, long_tasks, **{name: redis.before(postgres.before(url)) for name, url in urls.items()}
        )
        with ledger.quiet():
            ledger.fill(DAG.name, 10, "quiet")
        redis.fate = partial(fate, random.Random(6), ("swallowed", "cut"))
        postgres.fate = partial(fate, random.Random(7), ("cut",) * 4 + ("swallowed",) * long)
        ledger.fill(DAG.name, 300 if long else 30, "broken")
        ledger.fill(long_tasks.name, 30 if long else 3, "long")
        recovery = ledger.wait_for_end(RECOVERY)
        production.close()  # while there is a way to give back and resign
    ledger.check(DAG, long_tasks, redis=redis.counts, postgres=postgres.counts, recovery=recovery)
    assert redis.counts["swallowed"] + redis.counts["cut"] > 0
    assert postgres.counts["cut"] > 0


def fate(chance: random.Random, lost: Sequence[Fate], _answer: bytes) -> Fate:
    return "passed" if chance.random() >= LOST else chance.choice(lost)
