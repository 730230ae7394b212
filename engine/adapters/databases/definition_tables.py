"""The definitions DB: what git said, by source and commit. It can be rebuilt from git at any time."""

from __future__ import annotations

import sqlalchemy as sa

from engine.adapters.databases.columns import DOCUMENT, KEY, NAMES

metadata = sa.MetaData(naming_convention=NAMES)

sources = sa.Table(
    "sources",
    metadata,
    sa.Column("name", KEY, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("branch", sa.Text),
    sa.Column("folder", sa.Text, nullable=False),
)

syncs = sa.Table(
    "syncs",
    metadata,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("source", KEY, nullable=False),
    sa.Column("commit", KEY),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("author_name", sa.Text, nullable=False),
    sa.Column("author_email", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("findings", DOCUMENT, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("added", DOCUMENT, nullable=False),
    sa.Column("changed", DOCUMENT, nullable=False),
    sa.Column("removed", DOCUMENT, nullable=False),
    sa.Index(None, "source", "at", "id"),
    sa.Index(None, "at", "id"),
)

versions = sa.Table(
    "workflow_versions",
    metadata,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("workflow", KEY, nullable=False),
    sa.Column("digest", KEY, nullable=False),
    sa.Column("source", KEY, nullable=False),
    sa.Column("commit", KEY, nullable=False),
    sa.Column("path", KEY, nullable=False),
    sa.Column("author_name", sa.Text, nullable=False),
    sa.Column("author_email", sa.Text, nullable=False),
    sa.Column("committed_at", sa.BigInteger, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("document", DOCUMENT, nullable=False),
    sa.Column("loaded_at", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("source", "commit", "path", "digest"),
    sa.Index(None, "workflow", "loaded_at", "id"),
)
"""Rows are never changed."""

active_versions = sa.Table(
    "active_versions",
    metadata,
    sa.Column("workflow", KEY, primary_key=True),
    sa.Column("source", KEY, nullable=False, index=True),
    sa.Column("version_id", KEY, sa.ForeignKey("workflow_versions.id"), nullable=False),
)

webhook_triggers = sa.Table(
    "webhook_triggers",
    metadata,
    sa.Column("webhook", KEY, primary_key=True),
    sa.Column("workflow", KEY, sa.ForeignKey("active_versions.workflow", ondelete="CASCADE"), primary_key=True),
)
"""Which active workflows listen to a webhook source of project.yaml."""

listeners = sa.Table(
    "listeners",
    metadata,
    sa.Column("kind", KEY, primary_key=True),
    sa.Column("name", KEY, primary_key=True),
    sa.Column("workflow", KEY, sa.ForeignKey("active_versions.workflow", ondelete="CASCADE"), primary_key=True),
)
"""Which active workflows have an entry in `on.schedule` (whose name is ""), `on.event` (its type) or `on.workflow` (the other's)."""

projects = sa.Table(
    "projects",
    metadata,
    sa.Column("source", KEY, primary_key=True),
    sa.Column("commit", KEY, nullable=False),
    sa.Column("document", DOCUMENT, nullable=False),
    sa.Column("loaded_at", sa.BigInteger, nullable=False),
)
"""The active `project.yaml` of each source."""

sync_requests = sa.Table(
    "sync_requests",
    metadata,
    sa.Column("source", KEY, primary_key=True),
)
"""Sources that somebody wants looked at now."""
