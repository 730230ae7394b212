"""Fixtures for what is seen through HTTP: worlds on both databases, and clients."""

from __future__ import annotations

import pytest

from tests.web.world import GATE, NIGHTLY, RELEASE, World, api


@pytest.fixture
def world(database_url):
    """On SQLite and on PostgreSQL, with the workflows loaded and nothing run."""
    made = World(database_url)
    made.load(RELEASE, GATE, NIGHTLY)
    yield made
    made.close()


@pytest.fixture
def small_world(sqlite_url):
    """The same on SQLite alone, where the database does not matter."""
    made = World(sqlite_url)
    made.load(RELEASE, GATE, NIGHTLY)
    yield made
    made.close()


@pytest.fixture
def client(world):
    with api(world) as made:
        yield made


@pytest.fixture
def small_client(small_world):
    with api(small_world) as made:
        yield made
