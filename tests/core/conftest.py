"""Shared by the tests of the core."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.app import family
from engine.core import items, iterations
from tests.core.drawn import SMALL_WINDOW


@pytest.fixture(scope="module")
def small_windows() -> Iterator[None]:
    """A few items are more than one transaction takes, and so is one iteration."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (items, family):
            patch.setattr(module, "WINDOW", SMALL_WINDOW)
        patch.setattr(iterations, "BURST", 1)
        yield
