"""Fixtures for what is seen through HTTP: worlds on both databases, and clients."""

from __future__ import annotations

import pytest

from engine.api.app import create
from engine.config import Config
from tests.web.definitions import GATE, NIGHTLY, RELEASE
from tests.web.world import Stage, World, served


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


@pytest.fixture(scope="session")
def stage():
    """A real uvicorn on loopback."""
    made = Stage()
    with served(made) as made.url:
        yield made


@pytest.fixture
def client(world, stage):
    with stage.client(create(world.services, Config())) as made:
        yield made


@pytest.fixture
def small_client(small_world, stage):
    with stage.client(create(small_world.services, Config())) as made:
        yield made
