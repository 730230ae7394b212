"""Alembic's entry to the migrations of the definitions DB; `Schema.upgrade` hands it the connection."""

from __future__ import annotations

from alembic import context

attributes = context.config.attributes
context.configure(connection=attributes["connection"], version_table=attributes["version_table"])
context.run_migrations()
