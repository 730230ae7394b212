"""The tables of the instances DB."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Into an empty database."""
    op.create_table(
        "approvals",
        sa.Column("id", KEY, nullable=False),
        sa.Column("instance_id", KEY, nullable=False),
        sa.Column("path", KEY, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("approvers", sa.JSON(), nullable=False),
        sa.Column("exclude", sa.JSON(), nullable=False),
        sa.Column("require", sa.Integer(), nullable=False),
        sa.Column("form", sa.JSON(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_approvals"),
        sa.UniqueConstraint("instance_id", "path", "attempt", name="uq_approvals_instance_id_path_attempt"),
    )
    op.create_index("ix_approvals_state_opened_at_id", "approvals", ["state", "opened_at", "id"])
    op.create_table(
        "definitions",
        sa.Column("digest", KEY, nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_definitions"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", KEY, nullable=False),
        sa.Column("source", KEY, nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("verdicts", sa.JSON(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
    )
    op.create_index(
        "ix_deliveries_received",
        "deliveries",
        ["received_at"],
        postgresql_where=sa.text("state = 'received'"),
        sqlite_where=sa.text("state = 'received'"),
    )
    op.create_index("ix_deliveries_received_at_id", "deliveries", ["received_at", "id"])
    op.create_table(
        "delivery_keys",
        sa.Column("source", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("delivery_id", KEY, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "key", name="pk_delivery_keys"),
    )
    op.create_index("ix_delivery_keys_expires_at", "delivery_keys", ["expires_at"])
    op.create_table(
        "history",
        sa.Column("instance_id", KEY, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("path", KEY, nullable=False),
        sa.Column("event", sa.JSON(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "seq", name="pk_history"),
    )
    op.create_table(
        "instances",
        sa.Column("id", KEY, nullable=False),
        sa.Column("workflow", KEY, nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("commit", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("trigger", sa.JSON(), nullable=False),
        sa.Column("outputs", sa.JSON(), nullable=True),
        sa.Column("error", sa.JSON(), nullable=True),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("start_key", KEY, nullable=True),
        sa.Column("delivery", KEY, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_instances"),
        sa.UniqueConstraint("start_key", name="uq_instances_start_key"),
    )
    op.create_index(
        "ix_instances_finished_at",
        "instances",
        ["finished_at"],
        postgresql_where=sa.text("finished_at IS NOT NULL"),
        sqlite_where=sa.text("finished_at IS NOT NULL"),
    )
    op.create_index("ix_instances_started_at_id", "instances", ["started_at", "id"])
    op.create_index("ix_instances_state_started_at_id", "instances", ["state", "started_at", "id"])
    op.create_index("ix_instances_workflow_started_at_id", "instances", ["workflow", "started_at", "id"])
    op.create_table(
        "leadership",
        sa.Column("role", KEY, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("role", name="pk_leadership"),
    )
    op.create_table(
        "marks",
        sa.Column("name", KEY, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_marks"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", KEY, nullable=False),
        sa.Column("queue", KEY, nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("publish_after", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("parked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["publish_after"],
        postgresql_where=sa.text("parked_at IS NULL"),
        sqlite_where=sa.text("parked_at IS NULL"),
    )
    op.create_table(
        "scopes",
        sa.Column("instance_id", KEY, nullable=False),
        sa.Column("path", KEY, nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("next_due_at", sa.BigInteger(), nullable=True),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "path", name="pk_scopes"),
    )
    op.create_index(
        "ix_scopes_due",
        "scopes",
        ["next_due_at"],
        postgresql_where=sa.text("next_due_at IS NOT NULL"),
        sqlite_where=sa.text("next_due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_scopes_live",
        "scopes",
        ["instance_id", "path"],
        postgresql_where=sa.text("NOT settled"),
        sqlite_where=sa.text("NOT settled"),
    )
    op.create_table(
        "task_logs",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("instance_id", KEY, nullable=False),
        sa.Column("path", KEY, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_task_logs"),
        sa.UniqueConstraint(
            "instance_id", "path", "attempt", "number", name="uq_task_logs_instance_id_path_attempt_number"
        ),
    )
    op.create_index("ix_task_logs_instance_id_id", "task_logs", ["instance_id", "id"])
    op.create_table(
        "approval_decisions",
        sa.Column("approval_id", KEY, nullable=False),
        sa.Column("person", KEY, nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("form", sa.JSON(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approvals.id"], name="fk_approval_decisions_approval_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("approval_id", "person", name="pk_approval_decisions"),
    )
    op.create_table(
        "approval_tokens",
        sa.Column("token_hash", KEY, nullable=False),
        sa.Column("approval_id", KEY, nullable=False),
        sa.Column("person", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approvals.id"], name="fk_approval_tokens_approval_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name="pk_approval_tokens"),
    )
    op.create_index("ix_approval_tokens_approval_id", "approval_tokens", ["approval_id"])

    if op.get_bind().dialect.name == "postgresql":
        # Room for heap-only updates where rows are rewritten all the time, and a vacuum that comes before the bloat.
        op.execute("ALTER TABLE instances SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02)")
        op.execute("ALTER TABLE scopes SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02)")
        op.execute(
            "ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,"
            " autovacuum_vacuum_cost_delay = 0)"
        )
