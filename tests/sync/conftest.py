"""Repositories to follow, and who follows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.adapters.clock import SystemClock
from engine.adapters.databases.connect import DefinitionsDatabase, open_definitions
from engine.adapters.git.repository import GitRepository
from engine.app.ports import DefinitionStore
from engine.app.sync import Synchronizer
from engine.app.tell_author import AuthorNotice
from engine.app.versions import Source
from tests.sync.told import Told
from tests.sync.upstream import Upstream


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "upstream")


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def source(upstream: Upstream) -> Source:
    return Source(name="main", url=str(upstream.path))


@pytest.fixture
def repository(source: Source, state_dir: Path) -> GitRepository:
    return GitRepository(source, state_dir)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def database(sqlite_url: str) -> Iterator[DefinitionsDatabase]:
    database = open_definitions(sqlite_url)
    yield database
    database.close()


@pytest.fixture
def definitions(database: DefinitionsDatabase) -> DefinitionStore:
    return database.definitions


@pytest.fixture
def make(source: Source, repository: GitRepository, definitions: DefinitionStore, told: Told):
    """A synchronizer as a new process would make it."""

    def made(**changes: str) -> Synchronizer:
        return Synchronizer(
            source=replace(source, **changes),
            repository=repository,
            definitions=definitions,
            clock=SystemClock(),
            author=AuthorNotice(statuses=told, secrets=told, channels=told),
        )

    return made


@pytest.fixture
def sync(make) -> Synchronizer:
    return make()
