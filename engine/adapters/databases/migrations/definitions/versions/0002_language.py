"""Which active workflows listen to what, beside webhooks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """The next sync fills it."""
    op.create_table(
        "listeners",
        sa.Column("kind", KEY, nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("workflow", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["workflow"], ["active_versions.workflow"], name="fk_listeners_workflow", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("kind", "name", "workflow", name="pk_listeners"),
    )
