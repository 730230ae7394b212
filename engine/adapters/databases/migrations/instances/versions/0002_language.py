"""What the rest of the language needs to be kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """New columns stay empty for instances that are there already."""
    _children()
    _schedules()
    _artifacts()
    _gates()
    _large_values()
    _events()


def _children() -> None:
    op.add_column("instances", sa.Column("parent", KEY, nullable=True))
    op.add_column("instances", sa.Column("parent_path", sa.Text(), nullable=True))
    op.add_column("instances", sa.Column("parent_attempt", sa.Integer(), nullable=True))
    op.add_column("instances", sa.Column("depth", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "ix_instances_parent",
        "instances",
        ["parent", "started_at", "id"],
        postgresql_where=sa.text("parent IS NOT NULL"),
        sqlite_where=sa.text("parent IS NOT NULL"),
    )


def _schedules() -> None:
    op.create_table(
        "schedules",
        sa.Column("workflow", KEY, nullable=False),
        sa.Column("entry", KEY, nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("last_at", sa.BigInteger(), nullable=True),
        sa.Column("last_instance", KEY, nullable=True),
        sa.Column("pending_at", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("workflow", "entry", name="pk_schedules"),
    )
    op.create_table(
        "ends",
        sa.Column("instance_id", KEY, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("instance_id", "seq", name="pk_ends"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "ALTER TABLE ends SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,"
            " autovacuum_vacuum_cost_delay = 0)"
        )


def _large_values() -> None:
    op.create_table(
        "large_values",
        sa.Column("instance_id", KEY, nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "digest", name="pk_large_values"),
    )


def _artifacts() -> None:
    op.create_table(
        "artifacts",
        sa.Column("id", KEY, nullable=False),
        sa.Column("instance_id", KEY, nullable=False),
        sa.Column("path", KEY, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("file", KEY, nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("executable", sa.Boolean(), nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_artifacts"),
        sa.UniqueConstraint(
            "instance_id", "path", "attempt", "name", "file", name="uq_artifacts_instance_id_path_attempt_name_file"
        ),
    )
    op.create_index("ix_artifacts_digest", "artifacts", ["digest"])
    op.create_table(
        "artifact_contents",
        sa.Column("digest", KEY, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("look_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name="pk_artifact_contents"),
    )
    op.create_index(
        "ix_artifact_contents_look_at",
        "artifact_contents",
        ["look_at"],
        postgresql_where=sa.text("look_at IS NOT NULL"),
        sqlite_where=sa.text("look_at IS NOT NULL"),
    )


def _gates() -> None:
    op.create_table(
        "slot_groups",
        sa.Column("name", KEY, nullable=False),
        sa.Column("limit", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_slot_groups"),
    )
    op.create_table(
        "slots",
        sa.Column("name", KEY, nullable=False),
        sa.Column("instance_id", KEY, nullable=False),
        sa.Column("path", KEY, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("leaving", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "instance_id", "path", name="pk_slots"),
    )
    op.create_index("ix_slots_name_held_number", "slots", ["name", "held", "number"])
    op.create_index("ix_slots_instance_id", "slots", ["instance_id"])
    op.create_table(
        "rate_limits",
        sa.Column("name", KEY, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_rate_limits"),
    )
    op.create_index("ix_rate_limits_until", "rate_limits", ["until"])
    op.create_table(
        "rate_turns",
        sa.Column("name", KEY, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "number", name="pk_rate_turns"),
    )
    op.create_table(
        "kept_outputs",
        sa.Column("workflow", KEY, nullable=False),
        sa.Column("path", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("outputs", sa.JSON(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workflow", "path", "key", name="pk_kept_outputs"),
    )
    op.create_index("ix_kept_outputs_at", "kept_outputs", ["at"])
    if op.get_bind().dialect.name == "postgresql":  # small and rewritten all the time
        for table in ("slot_groups", "slots", "rate_limits", "rate_turns"):
            op.execute(
                f"ALTER TABLE {table} SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,"
                " autovacuum_vacuum_cost_delay = 0)"
            )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", KEY, nullable=False),
        sa.Column("type", KEY, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("published_by", sa.Text(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("routed", sa.Boolean(), nullable=False),
        sa.Column("verdicts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_type_received_at_id", "events", ["type", "received_at", "id"])
    op.create_index("ix_events_received_at_id", "events", ["received_at", "id"])
    op.create_index(
        "ix_events_unrouted",
        "events",
        ["received_at"],
        postgresql_where=sa.text("NOT routed"),
        sqlite_where=sa.text("NOT routed"),
    )
    op.create_table(
        "event_waits",
        sa.Column("instance_id", KEY, nullable=False),
        sa.Column("path", KEY, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("type", KEY, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("match", sa.JSON(), nullable=True),
        sa.Column("names", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "path", "attempt", name="pk_event_waits"),
    )
    op.create_index(
        "ix_event_waits_type_instance_id_path_attempt", "event_waits", ["type", "instance_id", "path", "attempt"]
    )
    op.create_table(
        "event_receipts",
        sa.Column("instance_id", KEY, nullable=False),
        sa.Column("event_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "event_id", name="pk_event_receipts"),
    )
