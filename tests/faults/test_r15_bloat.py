"""R15: dead rows that an idle reader keeps from being cleared away do not make the outbox slow."""

from __future__ import annotations

import time
from statistics import median, quantiles

import psycopg
import pytest

from engine.adapters.databases.connect import open_instances
from engine.app.records import Record
from tests.holds.given import message, record
from tests.holds.test_outbox import make_due
from tests.servers import wait_until

BATCH = 500
LEFT = 5
"""Rows of a batch that its writer does not delete, as after a crash: the relay has to find them among the dead ones."""
LONGEST = 0.05
"""Seconds of 95 in 100 claims."""
DEAD_ROW = 80
"""Bytes that a row of the outbox takes at least."""
STAYS = 600.0
"""Seconds of the reader's transaction in the full form."""


@pytest.mark.postgres
def test_claims_stay_quick_beside_a_reader_that_never_ends(postgres_url, long, measured):
    """All rows die at its beginning: in the full form the relay looks past them, once a second, for all that is left of ten
    minutes."""
    messages, stays = (200_000, STAYS) if long else (20_000, 0.0)
    stores = open_instances(postgres_url)
    claims: list[float] = []

    def claim() -> int:
        before = time.monotonic()
        with stores.outbox.claim() as claimed:
            found = len(claimed.rows)
        claims.append(time.monotonic() - before)
        return found

    with psycopg.connect(postgres_url.replace("+psycopg", "")) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        assert reader.execute("SELECT count(*) FROM outbox").fetchone() == (0,)
        began = time.monotonic()
        for start in range(0, messages, BATCH):
            names = [f"m{number}" for number in range(start, start + BATCH)]
            record(stores, Record(outbox=[message(name) for name in names]))
            stores.store.delete_published(names[LEFT:])
            make_due(stores)
            assert claim() == LEFT
        make_due(stores)
        last = time.monotonic()
        wait_until(lambda: claim() == 0 and time.monotonic() - last > 1, what="the time of every dead row to pass")
        while (kept := time.monotonic() - began) < stays:
            assert claim() == 0
            time.sleep(1)
        assert reader.execute("SELECT count(*) FROM outbox").fetchone() == (0,)
    with stores._database.reading() as connection:
        size = connection.exec_driver_sql("SELECT pg_relation_size('outbox')").scalar_one()
    stores.close()
    assert size >= messages * DEAD_ROW, "the dead rows were cleared away: the reader did not hold them"
    p95 = quantiles(claims, n=20)[18]
    measured(messages=messages, reader_s=kept, claims=len(claims), p50_ms=median(claims) * 1000, p95_ms=p95 * 1000)
    assert (p95 if long else median(claims)) < LONGEST
