"""Lists for people: newest first, and the next page by the id of the last row seen."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa

TIMED = 7
"""The version of UUIDs that begin with the time."""


def newest_first(
    statement: sa.Select[Any], at: sa.Column[int], id: sa.Column[str], *, before: str | None, limit: int
) -> sa.Select[Any]:
    """One page, ordered by time and id. `before` is the id of the last row seen, None for the first page.

    That row may have been thrown away meanwhile: then the page goes on from the time that its id tells.
    """
    if before is not None:
        last = id.table.alias()
        its_time = sa.select(last.c[at.key]).where(last.c[id.key] == before).scalar_subquery()
        then = sa.func.coalesce(its_time, sa.literal(_made_at(before), sa.BigInteger))
        statement = statement.where(sa.tuple_(at, id) < sa.tuple_(then, sa.literal(before)))
    return statement.order_by(at.desc(), id.desc()).limit(limit)


def _made_at(id: str) -> int | None:
    """The milliseconds that an id of ours begins with; None for any other."""
    try:
        made = UUID(id)
    except ValueError:
        return None
    return made.int >> 80 if made.version == TIMED else None
