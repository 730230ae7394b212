"""Alembic migrations of the two databases, shipped in the wheel."""
