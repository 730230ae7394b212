"""The statements of the hot path on SQLite."""

from __future__ import annotations

from engine.adapters.databases.instances import FACTS, PARENT

# Keys travel as one JSON document, so that a statement is prepared once whatever their number; CROSS JOIN keeps this order.
READ_INSTANCES = """
    SELECT i.id, i.digest, i.state, i.seq FROM json_each(?) AS k CROSS JOIN instances AS i ON i.id = k.value"""
READ_SCOPES = """
    SELECT s.instance_id, s.path, s.state, s.version FROM json_each(?) AS k CROSS JOIN scopes AS s
    ON s.instance_id = json_extract(k.value, '$[0]') AND s.path = json_extract(k.value, '$[1]')"""
READ_FACTS = f"""
    SELECT i.id, {", ".join(f'i."{name}"' for name in (*FACTS, *PARENT))}
    FROM json_each(?) AS k CROSS JOIN instances AS i ON i.id = k.value"""  # noqa: S608 - names of our own columns

INSERT_DEFINITION = "INSERT INTO definitions (digest, document) VALUES (?, ?) ON CONFLICT DO NOTHING"
INSERT_INSTANCE = """
    INSERT INTO instances (id, workflow, version, digest, "commit", state, seq, inputs, "trigger", started_by, started_at,
    start_key, delivery, depth, parent, parent_path, parent_attempt)
    SELECT ?, ?, ?, digest, ?, 'running', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM definitions WHERE digest = ?"""
"""An instance without its definition could never go on: it is left out, and so the change of its row is refused."""
COUNT_INSTANCE = "UPDATE instances SET seq = ? WHERE id = ?"
MOVE_INSTANCE = "UPDATE instances SET seq = ?, state = ?, outputs = ?, error = ?, finished_at = ? WHERE id = ?"
INSERT_END = "INSERT INTO ends (instance_id, seq, state) VALUES (?, ?, ?)"
INSERT_SCOPE = "INSERT INTO scopes (instance_id, path, state, version, next_due_at, settled) VALUES (?, ?, ?, ?, ?, ?)"
UPDATE_SCOPE = """
    UPDATE scopes SET state = ?, version = ?, next_due_at = ?, settled = ?
    WHERE instance_id = ? AND path = ? AND version = ?"""
INSERT_HISTORY = "INSERT INTO history (instance_id, seq, path, event, accepted, at) VALUES (?, ?, ?, ?, ?, ?)"
READ_KEY = "SELECT delivery_id FROM delivery_keys WHERE source = ? AND key = ? AND expires_at > ?"
TAKE_KEY = """
    INSERT INTO delivery_keys (source, key, delivery_id, expires_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (source, key) DO UPDATE SET delivery_id = excluded.delivery_id, expires_at = excluded.expires_at
    WHERE delivery_keys.expires_at <= ?"""
PUT_KEY = "INSERT OR REPLACE INTO delivery_keys (source, key, delivery_id, expires_at) VALUES (?, ?, ?, ?)"
STORE_DELIVERY = """
    INSERT INTO deliveries (id, source, provider, event, headers, body, state, reason, verdicts, received_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
INSERT_DELIVERY = """
    INSERT INTO deliveries (id, source, provider, event, headers, body, state, reason, verdicts, received_at)
    VALUES (?, ?, ?, ?, ?, ?, 'received', '', '[]', ?)"""
END_DELIVERY = "UPDATE deliveries SET state = ?, reason = ?, verdicts = ? WHERE id = ? AND state = 'received'"
INSERT_OUTBOX = "INSERT INTO outbox (id, queue, body, publish_after) VALUES (?, ?, ?, ?)"
DELETE_OUTBOX = "DELETE FROM outbox WHERE id = ?"
