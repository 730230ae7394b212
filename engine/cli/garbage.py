"""Keeps Python's search for garbage out of the way: it took a tenth of a notification worker's time, and a third of lint's."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG = 20_000
"""Objects made and not yet freed at which the youngest are looked through. A batch makes thousands, hardly any in cycles."""

OLDER = 20
"""Searches of one generation before the next older one is looked through too."""


def spare() -> None:
    """What is there now stays for the life of the process and is not looked through again; the rest is, more seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, OLDER, OLDER)


@contextmanager
def unsearched() -> Iterator[None]:
    """For work that keeps all it makes until it is done, such as reading a thousand files: there is no garbage to find."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
