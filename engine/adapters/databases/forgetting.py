"""Rows that have had their time go in small batches, beside work that may renew them."""

from __future__ import annotations

import sqlalchemy as sa


def some(table: sa.Table, over: sa.ColumnElement[bool], limit: int) -> sa.Delete:
    """Deletes as many rows of which this holds.

    It is said twice: of a row that is renewed while the statement waits for it, PostgreSQL looks again only at what stands
    outside the subquery (READ COMMITTED).
    """
    key = table.primary_key.columns
    chosen = sa.select(*key).where(over).limit(limit)
    return sa.delete(table).where(sa.tuple_(*key).in_(chosen), over)
