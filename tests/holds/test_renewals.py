"""What is being renewed while retention looks stays, and is not waited for. PostgreSQL alone: with SQLite nobody writes beside another."""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest

from engine.adapters.databases.connect import open_instances

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
    ):
        other.execute(insert)
        with other.transaction():
            other.execute(renew)
            stores.retention.forget(before=1_000, limit=100)  # would wait for ever: this thread ends the transaction
        assert other.execute(count).fetchone() == (1,)
        other.execute(renew.replace(str(LATER), "2").replace("NULL", "2"))
        stores.retention.forget(before=1_000, limit=100)
        assert other.execute(count).fetchone() == (0,)
