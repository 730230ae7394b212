"""Rows that have had their time go in small batches, beside work that may renew them."""

from __future__ import annotations

import sqlalchemy as sa


def some(table: sa.Table, over: sa.ColumnElement[bool], limit: int) -> sa.Delete:
    """Deletes as many rows of which this holds. What somebody is at is left: it may be renewed, and nobody is waited for.

    PostgreSQL locks each row before it looks at it for the last time, so that one just renewed stays.
    """
    key = table.primary_key.columns
    chosen = sa.select(*key).where(over).limit(limit).with_for_update(skip_locked=True)
    return sa.delete(table).where(sa.tuple_(*key).in_(chosen))
