"""The tables of the definitions DB."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Into an empty database."""
    op.create_table(
        "projects",
        sa.Column("source", KEY, nullable=False),
        sa.Column("commit", KEY, nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("loaded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_projects"),
    )
    op.create_table(
        "sources",
        sa.Column("name", KEY, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=True),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_sources"),
    )
    op.create_table(
        "syncs",
        sa.Column("id", KEY, nullable=False),
        sa.Column("source", KEY, nullable=False),
        sa.Column("commit", KEY, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("author_email", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("added", sa.JSON(), nullable=False),
        sa.Column("changed", sa.JSON(), nullable=False),
        sa.Column("removed", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_syncs"),
    )
    op.create_index("ix_syncs_at_id", "syncs", ["at", "id"])
    op.create_index("ix_syncs_source_at_id", "syncs", ["source", "at", "id"])
    op.create_table(
        "workflow_versions",
        sa.Column("id", KEY, nullable=False),
        sa.Column("workflow", KEY, nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("source", KEY, nullable=False),
        sa.Column("commit", KEY, nullable=False),
        sa.Column("path", KEY, nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("author_email", sa.Text(), nullable=False),
        sa.Column("committed_at", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("loaded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workflow_versions"),
        sa.UniqueConstraint(
            "source", "commit", "path", "digest", name="uq_workflow_versions_source_commit_path_digest"
        ),
    )
    op.create_index("ix_workflow_versions_workflow_loaded_at_id", "workflow_versions", ["workflow", "loaded_at", "id"])
    op.create_table(
        "active_versions",
        sa.Column("workflow", KEY, nullable=False),
        sa.Column("source", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["workflow_versions.id"], name="fk_active_versions_version_id"),
        sa.PrimaryKeyConstraint("workflow", name="pk_active_versions"),
    )
    op.create_index("ix_active_versions_source", "active_versions", ["source"])
    op.create_table(
        "webhook_triggers",
        sa.Column("webhook", KEY, nullable=False),
        sa.Column("workflow", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["workflow"], ["active_versions.workflow"], name="fk_webhook_triggers_workflow", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("webhook", "workflow", name="pk_webhook_triggers"),
    )
    op.create_table(
        "sync_requests",
        sa.Column("source", KEY, nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_sync_requests"),
    )
