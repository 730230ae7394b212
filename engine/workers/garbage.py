"""Keeps Python's search for garbage out of the hot path: with its own settings it took a tenth of a notification worker's time."""

from __future__ import annotations

import gc

YOUNG = 20_000
"""Objects made and not yet freed at which the youngest are looked through. A batch makes thousands, hardly any in cycles."""

OLDER = 20
"""Searches of one generation before the next older one is looked through too."""


def spare() -> None:
    """What is there now stays for the life of the process and is not looked through again; the rest is, more seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, OLDER, OLDER)
