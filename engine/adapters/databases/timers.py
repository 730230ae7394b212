"""How exact times are in the databases."""

from __future__ import annotations

PUBLISH_AFTER = 1_000
"""Milliseconds that the process which stored a message has to publish it before the relay takes it up."""

STEP = 1_000
"""Milliseconds. Coarse steps keep most updates of a scope off the index of due timers."""


def round_up(due: int | None) -> int | None:
    """The next whole step, so that nobody looks before a timer is due.

    >>> round_up(1_700_000_000_001), round_up(1_700_000_000_000), round_up(None)
    (1700000001000, 1700000000000, None)
    """
    return None if due is None else -(-due // STEP) * STEP
