"""Lists for people: newest first, and the next page by the id of the last row seen."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa


def newest_first(
    statement: sa.Select[Any], at: sa.Column[int], id: sa.Column[str], *, before: str | None, limit: int
) -> sa.Select[Any]:
    """One page, ordered by time and id. `before` is the id of the last row seen, None for the first page."""
    if before is not None:
        last = id.table.alias()
        its_time = sa.select(last.c[at.key]).where(last.c[id.key] == before).scalar_subquery()
        statement = statement.where(sa.tuple_(at, id) < sa.tuple_(its_time, sa.literal(before)))
    return statement.order_by(at.desc(), id.desc()).limit(limit)
