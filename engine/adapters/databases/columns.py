"""Column types that mean the same on both databases."""

from __future__ import annotations

import sqlalchemy as sa

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Ids, names and paths: compared byte by byte, so that no change of the system's locale can spoil an index."""

DOCUMENT = sa.JSON(none_as_null=True)
"""`json`, not `jsonb`: kept as the text that `documents.dump` wrote, which is cheaper to write and to read."""

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""A number that the database counts up."""

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""Names of indexes and constraints, so that migrations can name what they change."""
