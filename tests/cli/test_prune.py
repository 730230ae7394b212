"""`headrace prune` throws away, or only counts, what ended long ago, on the database that the settings name."""

from __future__ import annotations

import pytest

from engine.adapters.databases.connect import open_instances
from tests.holds.given import finish, record, started


@pytest.fixture
def old(sqlite_url):
    """Two that ended in 1970, one that ended just now, one that runs."""
    stores = open_instances(sqlite_url)
    record(stores, *(started(name) for name in ("old", "older", "fresh", "live")))
    for name, at in (("old", 2), ("older", 1), ("fresh", stores.recovery.now())):
        finish(stores, name, at=at)
    yield stores
    stores.close()


def test_it_counts_and_throws_away(headrace, old, sqlite_url):
    settings = {"INSTANCES_URL": sqlite_url, "DEFINITIONS_URL": sqlite_url}
    assert headrace("prune", "--dry-run", **settings).out == "2 instances ended longer ago than 90d\n"
    done = headrace("prune", "--older-than", "1m", "--json", **settings)
    assert done.json == {"instances": 2, "older_than": "1h", "dry_run": False}
    assert sorted(one.id for one in old.reader.list()) == ["fresh", "live"]
    assert (
        headrace("prune", "--older-than", "30d", **settings).out
        == "0 instances thrown away that ended longer ago than 30d\n"
    )
