"""R8: the connection is cut when PostgreSQL has committed and before anybody hears of it: nothing is lost or done twice."""

from __future__ import annotations

import random

import pytest

from tests.faults.loads import dag
from tests.proxy import Fate, proxy

COMMITTED = b"COMMIT\0"
"""What PostgreSQL says of a command it completed."""
RECOVERY = 60.0
DAG = dag(5)


@pytest.mark.postgres
@pytest.mark.redis
def test_cut_after_commit(begin, production, repository, postgres_server, long):
    chance = random.Random(8)
    cuts = 200 if long else 20
    with proxy(postgres_server.port) as postgres:
        url = postgres.before(production.environment["HEADRACE_INSTANCES_URL"])
        ledger = begin(production, DAG, HEADRACE_INSTANCES_URL=url, HEADRACE_DEFINITIONS_URL=url)
        commit = repository.git("rev-parse", "HEAD")
        with ledger.quiet():
            ledger.fill(DAG.name, 10, "quiet")

        def fate(answer: bytes) -> Fate:
            cut = COMMITTED in answer and postgres.counts["cut"] < cuts and chance.random() < 0.3
            return "cut" if cut else "passed"

        postgres.fate = fate
        number = 0
        while postgres.counts["cut"] < cuts:
            ledger.start(DAG.name, f"broken-{number}")
            ledger.deliver(commit, f"delivered-{number}")
            number += 1
        recovery = ledger.wait_for_end(RECOVERY)
        ledger.check(DAG, cuts=postgres.counts["cut"], recovery=recovery)
