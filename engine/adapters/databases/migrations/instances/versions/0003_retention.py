"""What pruning in small batches and flat counts need."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Ends so far are counted once; those that nobody has dealt with yet will be counted then, by their instance's state."""
    op.create_table(
        "remains",
        sa.Column("instance_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("instance_id", name="pk_remains"),
    )
    op.create_index("ix_instances_digest", "instances", ["digest"])
    op.add_column("ends", sa.Column("state", sa.Text(), nullable=True))
    op.create_table(
        "end_counts",
        sa.Column("workflow", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workflow", "state", name="pk_end_counts"),
    )
    op.execute(
        "INSERT INTO end_counts (workflow, state, number) SELECT workflow, state, count(*) FROM instances"
        " WHERE finished_at IS NOT NULL AND id NOT IN (SELECT instance_id FROM ends) GROUP BY workflow, state"
    )
