"""What is renewed while retention waits for it stays. PostgreSQL alone: with SQLite nobody writes beside another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest

from engine.adapters.databases.connect import open_instances
from tests.servers import wait_until

pytestmark = pytest.mark.postgres

LATER = 4_000_000_000_000


@pytest.mark.parametrize(
    ("insert", "renew", "count"),
    [
        (
            "INSERT INTO delivery_keys (source, key, delivery_id, expires_at) VALUES ('github', 'k', 'd', 1)",
            f"UPDATE delivery_keys SET expires_at = {LATER}",
            "SELECT count(*) FROM delivery_keys",
        ),
        (
            "INSERT INTO kept_outputs (workflow, path, key, outputs, at) VALUES ('w', 'p', 'k', '1', 1)",
            f"UPDATE kept_outputs SET at = {LATER}",
            "SELECT count(*) FROM kept_outputs",
        ),
        (
            "INSERT INTO outbox (id, queue, body, publish_after, parked_at) VALUES ('m', 'tasks', '{}', 0, 1)",
            "UPDATE outbox SET parked_at = NULL",
            "SELECT count(*) FROM outbox",
        ),
    ],
    ids=["a key of a delivery", "a kept output", "a parked message"],
)
def test_what_is_renewed_meanwhile_stays(postgres_url: str, insert: str, renew: str, count: str):
    url = postgres_url.replace("+psycopg", "")
    with (
        closing(open_instances(postgres_url)) as stores,
        psycopg.connect(url, autocommit=True) as other,
        psycopg.connect(url, autocommit=True) as watch,
        ThreadPoolExecutor(1) as threads,
    ):
        other.execute(insert)
        with other.transaction():
            other.execute(renew)
            forgetting = threads.submit(stores.retention.forget, before=1_000, limit=100)
            wait_until(
                lambda: watch.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone() != (0,),
                what="retention to wait",
            )
        forgetting.result(30)
        assert other.execute(count).fetchone() == (1,)
        other.execute(renew.replace(str(LATER), "2").replace("NULL", "2"))
        stores.retention.forget(before=1_000, limit=100)
        assert other.execute(count).fetchone() == (0,)
