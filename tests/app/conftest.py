"""The world of the use cases on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog

from engine.app.retry import Retrier
from tests.app.world import World


@pytest.fixture(autouse=True)
def _plain_tracebacks() -> Iterator[None]:
    """Drawing a traceback takes structlog's console a second."""
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.processors.add_log_level, renderer])
    yield
    structlog.reset_defaults()


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    made = World(database_url)
    yield made
    made.close()


@pytest.fixture
def retrier(world: World) -> Retrier:
    return world.retrier()
