"""Repositories to follow."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.adapters.git.repository import GitRepository
from engine.app.versions import Source
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
