"""The webhooks process, served for real on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.webhooks.engine import WORKFLOWS, Engine
from tests.webhooks.serving import serve


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    engine = Engine(sqlite_url)
    engine.load(WORKFLOWS)
    yield engine
    engine.close()


@pytest.fixture
def client(engine: Engine) -> Iterator[httpx.Client]:
    with serve(engine.app()) as client:
        yield client
