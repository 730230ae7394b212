"""The instances DB: what runs, what ran, and what must not be lost. Times are milliseconds since the epoch.

Migrations are the truth for existing databases; a test holds the two against each other. Storage parameters live there, and the
conditions of partial indexes: said here, they make every process import both dialects, which take 3 MiB.
"""

from __future__ import annotations

import sqlalchemy as sa

from engine.adapters.databases.columns import DOCUMENT, KEY, NAMES, SERIAL

metadata = sa.MetaData(naming_convention=NAMES)

definitions = sa.Table(
    "definitions",
    metadata,
    sa.Column("digest", KEY, primary_key=True),
    sa.Column("document", DOCUMENT, nullable=False),
)

instances = sa.Table(
    "instances",
    metadata,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("workflow", KEY, nullable=False),
    sa.Column("version", KEY, nullable=False),
    sa.Column("digest", KEY, nullable=False),
    sa.Column("commit", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("inputs", DOCUMENT, nullable=False),
    sa.Column("trigger", DOCUMENT, nullable=False),
    sa.Column("outputs", DOCUMENT),
    sa.Column("error", DOCUMENT),
    sa.Column("started_by", sa.Text, nullable=False),
    sa.Column("started_at", sa.BigInteger, nullable=False),
    sa.Column("finished_at", sa.BigInteger),
    sa.Column("start_key", KEY, unique=True),
    sa.Column("delivery", KEY),
    sa.Column("parent", KEY),
    sa.Column("parent_path", sa.Text),
    sa.Column("parent_attempt", sa.Integer),
    sa.Column("depth", sa.Integer, nullable=False, server_default="0"),
    sa.Index(None, "started_at", "id"),
    sa.Index(None, "workflow", "started_at", "id"),
    sa.Index(None, "state", "started_at", "id"),
    sa.Index(None, "digest"),
)
sa.Index(
    "ix_instances_finished_at",
    instances.c.finished_at,
    # WHERE finished_at IS NOT NULL
)
sa.Index(
    "ix_instances_parent",
    instances.c.parent,
    instances.c.started_at,
    instances.c.id,
    # WHERE parent IS NOT NULL
)

scopes = sa.Table(
    "scopes",
    metadata,
    sa.Column("instance_id", KEY, primary_key=True),
    sa.Column("path", KEY, primary_key=True),
    sa.Column("state", DOCUMENT, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("next_due_at", sa.BigInteger),
    sa.Column("settled", sa.Boolean, nullable=False),
)
sa.Index(
    "ix_scopes_due",
    scopes.c.next_due_at,
    # WHERE next_due_at IS NOT NULL
)
sa.Index(
    "ix_scopes_live",
    scopes.c.instance_id,
    scopes.c.path,
    # WHERE NOT settled
)

history = sa.Table(
    "history",
    metadata,
    sa.Column("instance_id", KEY, primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("path", KEY, nullable=False),
    sa.Column("event", DOCUMENT, nullable=False),
    sa.Column("accepted", sa.Boolean, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("queue", KEY, nullable=False),
    sa.Column("body", DOCUMENT, nullable=False),
    sa.Column("publish_after", sa.BigInteger, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("error", sa.Text),
    sa.Column("parked_at", sa.BigInteger),
)
sa.Index(
    "ix_outbox_waiting",
    outbox.c.publish_after,
    # WHERE parked_at IS NULL
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("source", KEY, nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("headers", DOCUMENT, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("verdicts", DOCUMENT, nullable=False),
    sa.Column("received_at", sa.BigInteger, nullable=False),
    sa.Index(None, "received_at", "id"),
)
sa.Index(
    "ix_deliveries_received",
    deliveries.c.received_at,
    # WHERE state = 'received'
)

delivery_keys = sa.Table(
    "delivery_keys",
    metadata,
    sa.Column("source", KEY, primary_key=True),
    sa.Column("key", KEY, primary_key=True),
    sa.Column("delivery_id", KEY, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Index(None, "expires_at"),
)

approvals = sa.Table(
    "approvals",
    metadata,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("instance_id", KEY, nullable=False),
    sa.Column("path", KEY, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("approvers", DOCUMENT, nullable=False),
    sa.Column("exclude", DOCUMENT, nullable=False),
    sa.Column("require", sa.Integer, nullable=False),
    sa.Column("form", DOCUMENT, nullable=False),
    sa.Column("channel", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("opened_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger),
    sa.Column("closed_at", sa.BigInteger),
    sa.UniqueConstraint("instance_id", "path", "attempt"),
    sa.Index(None, "state", "opened_at", "id"),
)

approval_decisions = sa.Table(
    "approval_decisions",
    metadata,
    sa.Column("approval_id", KEY, sa.ForeignKey("approvals.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("person", KEY, primary_key=True),
    sa.Column("decision", sa.Text, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("form", DOCUMENT, nullable=False),
    sa.Column("via", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
)

approval_tokens = sa.Table(
    "approval_tokens",
    metadata,
    sa.Column("token_hash", KEY, primary_key=True),
    sa.Column("approval_id", KEY, sa.ForeignKey("approvals.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("person", KEY, nullable=False),
)

task_logs = sa.Table(
    "task_logs",
    metadata,
    sa.Column("id", SERIAL, primary_key=True),
    sa.Column("instance_id", KEY, nullable=False),
    sa.Column("path", KEY, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("stream", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("instance_id", "path", "attempt", "number"),
    sa.Index(None, "instance_id", "id"),
)

large_values = sa.Table(
    "large_values",
    metadata,
    sa.Column("instance_id", KEY, primary_key=True),
    sa.Column("digest", KEY, primary_key=True),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("document", DOCUMENT, nullable=False),
)
"""Outputs that are too large for the state."""

artifacts = sa.Table(
    "artifacts",
    metadata,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("instance_id", KEY, nullable=False),
    sa.Column("path", KEY, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("name", KEY, nullable=False),
    sa.Column("file", KEY, nullable=False),
    sa.Column("root", sa.Text, nullable=False),
    sa.Column("executable", sa.Boolean, nullable=False),
    sa.Column("digest", KEY, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("instance_id", "path", "attempt", "name", "file"),
    sa.Index(None, "digest"),
)

artifact_contents = sa.Table(
    "artifact_contents",
    metadata,
    sa.Column("digest", KEY, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("look_at", sa.BigInteger),
)
"""Contents that were ever kept. `look_at` is when to see whether anything still refers to one."""
sa.Index(
    "ix_artifact_contents_look_at",
    artifact_contents.c.look_at,
    # WHERE look_at IS NOT NULL
)

schedules = sa.Table(
    "schedules",
    metadata,
    sa.Column("workflow", KEY, primary_key=True),
    sa.Column("entry", KEY, primary_key=True),
    sa.Column("next_at", sa.BigInteger),
    sa.Column("last_at", sa.BigInteger),
    sa.Column("last_instance", KEY),
    sa.Column("pending_at", sa.BigInteger),
    sa.Column("error", sa.Text),
)
"""How far each entry of `on.schedule` has come; `entry` is a hash of what makes it itself."""

ends = sa.Table(
    "ends",
    metadata,
    sa.Column("instance_id", KEY, primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("state", sa.Text),
)
"""Instances that have ended since somebody last looked which workflows start after them. `seq` is the row's at that end."""

end_counts = sa.Table(
    "end_counts",
    metadata,
    sa.Column("workflow", KEY, primary_key=True),
    sa.Column("state", KEY, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
)
"""How many instances ever ended so: counted as their ends are dealt with, as nobody can count a million rows at every look."""

remains = sa.Table("remains", metadata, sa.Column("instance_id", KEY, primary_key=True))
"""Instances that are gone, while rows of theirs may be left."""

slot_groups = sa.Table(
    "slot_groups",
    metadata,
    sa.Column("name", KEY, primary_key=True),
    sa.Column("limit", sa.Integer, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
)
"""Concurrency groups with claims. The row is what locks a group; `number` is that of its last claim."""

slots = sa.Table(
    "slots",
    metadata,
    sa.Column("name", KEY, primary_key=True),
    sa.Column("instance_id", KEY, primary_key=True),
    sa.Column("path", KEY, primary_key=True),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("held", sa.Boolean, nullable=False),
    sa.Column("leaving", sa.Boolean, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Index(None, "name", "held", "number"),
    sa.Index(None, "instance_id"),
)
"""Claims to a slot of the group `name`, oldest first by `number`. `leaving`: told to go, to make room for a newer one."""

rate_limits = sa.Table(
    "rate_limits",
    metadata,
    sa.Column("name", KEY, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("last", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False, index=True),
)
"""How many starts a group has given out, when the last is, and until when that matters. The row is what locks a group."""

rate_turns = sa.Table(
    "rate_turns",
    metadata,
    sa.Column("name", KEY, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("due", sa.BigInteger, nullable=False),
)
"""The last `limit` starts of a group."""

kept_outputs = sa.Table(
    "kept_outputs",
    metadata,
    sa.Column("workflow", KEY, primary_key=True),
    sa.Column("path", KEY, primary_key=True),
    sa.Column("key", KEY, primary_key=True),
    sa.Column("outputs", DOCUMENT),
    sa.Column("at", sa.BigInteger, nullable=False, index=True),
)
"""What tasks with `cache` gave when they last succeeded."""

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("type", KEY, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("body", DOCUMENT, nullable=False),
    sa.Column("received_at", sa.BigInteger, nullable=False),
    sa.Column("published_by", sa.Text, nullable=False, key="by"),
    sa.Column("depth", sa.Integer, nullable=False),
    sa.Column("routed", sa.Boolean, nullable=False),
    sa.Column("verdicts", DOCUMENT, nullable=False),
    sa.Index(None, "type", "received_at", "id"),
    sa.Index(None, "received_at", "id"),
)
"""What happened; `body` is the only member of a list."""
sa.Index(
    "ix_events_unrouted",
    events.c.received_at,
    # WHERE NOT routed
)

event_waits = sa.Table(
    "event_waits",
    metadata,
    sa.Column("instance_id", KEY, primary_key=True),
    sa.Column("path", KEY, primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("type", KEY, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("match", DOCUMENT),
    sa.Column("names", DOCUMENT, nullable=False),
    sa.Index(None, "type", "instance_id", "path", "attempt"),
)
"""Tasks that wait for an event now."""

event_receipts = sa.Table(
    "event_receipts",
    metadata,
    sa.Column("instance_id", KEY, primary_key=True),
    sa.Column("event_id", KEY, primary_key=True),
)
"""Which events an instance has used up."""

leadership = sa.Table(
    "leadership",
    metadata,
    sa.Column("role", KEY, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
)

marks = sa.Table(
    "marks",
    metadata,
    sa.Column("name", KEY, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
