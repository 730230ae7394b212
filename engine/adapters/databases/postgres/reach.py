"""How far back the relay looks while a reader keeps dead rows: each look would walk past all of them (decision 25)."""

from __future__ import annotations

from math import inf

import sqlalchemy as sa

from engine.adapters.databases.database import Database
from engine.adapters.databases.tables import outbox

MANY = 20_000
"""Dead rows in the outbox from which on a look starts where the last one left off. So many take 3 ms to walk past."""

LATE = 10_000
"""Milliseconds by which a row may be committed after its time and is still found by the next look."""

WHOLE = 30.0
"""Seconds between two looks that start at the oldest row in any case: what came later than `LATE` is found by them."""

EVER = -(2**63)


class Reach:
    """Where the next look of this process starts. It knows nothing at first, so the first look is a whole one.

    It keeps ages rather than times: what it knows moves along with a database clock that jumps.
    """

    def __init__(self) -> None:
        self._whole = self._from = -inf

    def within(self, database: Database, at: float) -> sa.ColumnElement[bool]:
        """The rows to look at, `at` on the clock of this process."""
        if self._is_whole(at):
            return sa.true()
        start = database.now() - (round((at - self._from) * 1000) + LATE)
        dead = sa.func.pg_stat_get_dead_tuples(sa.literal_column("'outbox'::regclass"))
        return outbox.c.publish_after >= sa.case((dead < MANY, EVER), else_=start)

    def looked(self, at: float, oldest: int) -> None:
        """That look was had: its oldest row was `oldest` milliseconds past its time, and may still be there after it."""
        if self._is_whole(at):
            self._whole = at
        self._from = at - oldest / 1000

    def _is_whole(self, at: float) -> bool:
        return at - self._whole >= WHOLE
