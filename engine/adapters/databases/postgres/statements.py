"""The statements of the hot path on PostgreSQL. Rows travel as binary arrays, a column each: one statement a batch.

Text arrays of the client cost five times, `executemany` three.
"""

from __future__ import annotations

import re
from functools import cache

from engine.adapters.databases.deliveries import HOUR
from engine.adapters.databases.instances import FACTS, PARENT
from engine.adapters.databases.timers import PUBLISH_AFTER

_PARAMETER = re.compile(r"%\(")

_STATEMENT_TIME = "(extract(epoch FROM statement_timestamp()) * 1000)::bigint"

NOW = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
"""Read after the lock, or a batch that waited for it would believe in the time before."""

LOCK_INSTANCES = "SELECT id, digest, state, seq FROM instances WHERE id = ANY(%(ids)b::text[]) ORDER BY id FOR UPDATE"
LOCK_FREE_INSTANCES = LOCK_INSTANCES + " SKIP LOCKED"

FIND_INSTANCES = "SELECT id FROM instances WHERE id = ANY(%(ids)b::text[])"
"""Of those that could not be locked: somebody holds these, the others are gone."""

ASKED = f"SELECT {_STATEMENT_TIME}"
"""What time it was when the question came."""

HOLD_KNOWN = f"""
    SELECT 1 / coalesce(array_agg(seq) = %(seqs)b::int[] AND array_agg(digest) = %(digests)b::text[], false)::int,
           {_STATEMENT_TIME}
    FROM (SELECT seq, digest FROM instances WHERE id = ANY(%(ids)b::text[]) ORDER BY id FOR UPDATE SKIP LOCKED)
         AS held"""  # noqa: S608 - a constant of our own
"""Locks instances that are as they were written last; everything is in the order of ids. Divides by zero if one is not,
or is about to change: then nothing that was sent with it happens."""

READ_SCOPES = """
    SELECT s.instance_id, s.path, s.state, s.version, (extract(epoch FROM clock_timestamp()) * 1000)::bigint
    FROM unnest(%(instances)b::text[], %(paths)b::text[]) AS k(instance_id, path)
    LEFT JOIN scopes AS s ON s.instance_id = k.instance_id COLLATE "C" AND s.path = k.path COLLATE "C" """
"""A row for every key asked for, with the time; nulls where there is no such scope."""

READ_FACTS = f"""
    SELECT id, {", ".join(f'"{name}"' for name in (*FACTS, *PARENT))}
    FROM instances WHERE id = ANY(%(ids)b::text[])"""  # noqa: S608 - names of our own columns

INSERT_DEFINITIONS = """
    INSERT INTO definitions (digest, document)
    SELECT * FROM unnest(%(digests)b::text[], %(documents)b::json[])
    ON CONFLICT DO NOTHING"""

INSERT_INSTANCES = """
    INSERT INTO instances (id, workflow, version, digest, "commit", inputs, "trigger", started_by, started_at,
                           start_key, delivery, depth, parent, parent_path, parent_attempt, seq, state, outputs, error,
                           finished_at)
    SELECT id, workflow, version, digest, "commit", inputs, "trigger", started_by, started_at, start_key, delivery, depth,
           parent, parent_path, parent_attempt, seq, state, outputs, error, nullif(finished_at, 0)
    FROM unnest(%(ids)b::text[], %(workflows)b::text[], %(versions)b::text[], %(digests)b::text[], %(commits)b::text[],
                %(inputs)b::json[], %(triggers)b::json[], %(started_by)b::text[],
                %(started_at)b::bigint[], %(start_keys)b::text[], %(deliveries)b::text[], %(depths)b::int[],
                %(parents)b::text[], %(parent_paths)b::text[], %(parent_attempts)b::int[], %(seqs)b::int[],
                %(states)b::text[], %(outputs)b::json[], %(errors)b::json[], %(finished_at)b::bigint[])
         AS v(id, workflow, version, digest, "commit", inputs, "trigger", started_by, started_at, start_key, delivery,
              depth, parent, parent_path, parent_attempt, seq, state, outputs, error, finished_at)
    WHERE EXISTS (SELECT FROM definitions AS d WHERE d.digest = v.digest COLLATE "C") RETURNING 1"""
"""An instance without its definition could never go on: it is left out, and so all is refused."""

COUNT_INSTANCES = """
    UPDATE instances AS i SET seq = v.seq
    FROM unnest(%(ids)b::text[], %(seqs)b::int[]) AS v(id, seq)
    WHERE i.id = v.id COLLATE "C" RETURNING 1"""

MOVE_INSTANCES = """
    UPDATE instances AS i SET seq = v.seq, state = v.state, outputs = v.outputs, error = v.error,
                              finished_at = nullif(v.finished_at, 0)
    FROM unnest(%(ids)b::text[], %(seqs)b::int[], %(states)b::text[], %(outputs)b::json[],
                %(errors)b::json[], %(finished_at)b::bigint[])
         AS v(id, seq, state, outputs, error, finished_at)
    WHERE i.id = v.id COLLATE "C" RETURNING 1"""

INSERT_ENDS = """
    INSERT INTO ends (instance_id, seq, state) SELECT * FROM unnest(%(ids)b::text[], %(seqs)b::int[], %(states)b::text[])"""

INSERT_SCOPES = """
    INSERT INTO scopes (instance_id, path, state, version, next_due_at, settled)
    SELECT v.instance_id, v.path, v.state, 1, nullif(v.due, 0), v.settled
    FROM unnest(%(instances)b::text[], %(paths)b::text[], %(states)b::json[], %(due)b::bigint[],
                %(settled)b::bool[]) AS v(instance_id, path, state, due, settled)"""

UPDATE_SCOPES = """
    UPDATE scopes AS s SET state = v.state, version = v.version, next_due_at = nullif(v.due, 0), settled = v.settled
    FROM unnest(%(instances)b::text[], %(paths)b::text[], %(states)b::json[], %(versions)b::int[],
                %(due)b::bigint[], %(settled)b::bool[]) AS v(instance_id, path, state, version, due, settled)
    WHERE s.instance_id = v.instance_id COLLATE "C" AND s.path = v.path COLLATE "C" AND s.version = v.version - 1
    RETURNING 1"""

INSERT_HISTORY = """
    INSERT INTO history (instance_id, seq, path, event, accepted, at)
    SELECT * FROM unnest(%(instances)b::text[], %(seqs)b::int[], %(paths)b::text[], %(events)b::json[],
                         %(accepted)b::bool[], %(at)b::bigint[])"""

INSERT_OUTBOX = f"""
    INSERT INTO outbox (id, queue, body, publish_after)
    SELECT v.*, (extract(epoch FROM clock_timestamp()) * 1000)::bigint + {PUBLISH_AFTER}
    FROM unnest(%(ids)b::text[], %(queues)b::text[], %(bodies)b::json[]) AS v"""  # noqa: S608 - a number

# A row that the relay holds is the relay's to delete: waiting for it could deadlock.
DELETE_OUTBOX = """
    DELETE FROM outbox WHERE id IN (
        SELECT id FROM outbox WHERE id = ANY(%(ids)b::text[]) FOR UPDATE SKIP LOCKED) RETURNING id"""

FIND_OUTBOX = "SELECT id FROM outbox WHERE id = ANY(%(ids)b::text[])"

DELETE_AND_SEE = f"WITH deleted AS ({DELETE_OUTBOX}) {FIND_OUTBOX} AND id NOT IN (SELECT id FROM deleted)"  # noqa: S608 - statements of our own
"""Returns those that the relay holds."""

_UNLESS_HELD = f"""
    ON CONFLICT (source, key) DO UPDATE SET delivery_id = excluded.delivery_id, expires_at = excluded.expires_at
    WHERE delivery_keys.expires_at <= {_STATEMENT_TIME}"""

END_DELIVERIES = """
    UPDATE deliveries AS d SET state = v.state, reason = v.reason, verdicts = v.verdicts
    FROM unnest(%(ids)b::text[], %(states)b::text[], %(reasons)b::text[], %(verdicts)b::json[])
         AS v(id, state, reason, verdicts)
    WHERE d.id = v.id COLLATE "C" AND d.state = 'received' RETURNING 1"""

TAKE_KEYS = f"""
    INSERT INTO delivery_keys (source, key, delivery_id, expires_at)
    SELECT * FROM unnest(%(sources)b::text[], %(keys)b::text[], %(deliveries)b::text[], %(expires_at)b::bigint[])
    {_UNLESS_HELD}
    RETURNING 1"""  # noqa: S608 - names and numbers of our own
"""Of deliveries that are stored with what they lead to: all of them, or nothing of it."""

STORE_DELIVERIES = """
    INSERT INTO deliveries (id, source, provider, event, headers, body, state, reason, verdicts, received_at)
    SELECT * FROM unnest(%(ids)b::text[], %(sources)b::text[], %(providers)b::text[], %(events)b::text[],
                         %(headers)b::json[], %(bodies)b::bytea[], %(states)b::text[], %(reasons)b::text[],
                         %(verdicts)b::json[], %(received_at)b::bigint[])"""

INSERT_DELIVERIES = f"""
    WITH wanted AS (
        SELECT * FROM unnest(%(key_sources)b::text[], %(keys)b::text[], %(key_deliveries)b::text[], %(hours)b::int[])
                      AS v(source, key, delivery_id, hours)),
    taken AS (
        INSERT INTO delivery_keys (source, key, delivery_id, expires_at)
        SELECT source, key, delivery_id, {_STATEMENT_TIME} + hours::bigint * {HOUR} FROM wanted
        {_UNLESS_HELD}
        RETURNING source, key),
    lost AS (SELECT * FROM wanted WHERE (source, key) NOT IN (SELECT source, key FROM taken)),
    stored AS (
        INSERT INTO deliveries (id, source, provider, event, headers, body, state, reason, verdicts, received_at)
        SELECT v.*, 'received', '', '[]', {_STATEMENT_TIME}
        FROM unnest(%(ids)b::text[], %(sources)b::text[], %(providers)b::text[], %(events)b::text[],
                    %(headers)b::json[], %(bodies)b::bytea[]) AS v(id, source, provider, event, headers, body)
        WHERE v.id NOT IN (SELECT delivery_id FROM lost))
    SELECT {_STATEMENT_TIME}, ARRAY(SELECT delivery_id FROM lost), ARRAY(SELECT source FROM lost),
           ARRAY(SELECT key FROM lost)"""  # noqa: S608 - names and numbers of our own
"""Those that get all their keys. A key that another delivery holds is locked all the same, so that it can be read."""

READ_KEYS = """
    SELECT k.source, k.key, k.delivery_id FROM unnest(%(sources)b::text[], %(keys)b::text[]) AS v(source, key)
    JOIN delivery_keys AS k ON k.source = v.source COLLATE "C" AND k.key = v.key COLLATE "C" """

GIVE_KEYS_BACK = """
    DELETE FROM delivery_keys AS k USING unnest(%(sources)b::text[], %(keys)b::text[], %(deliveries)b::text[])
                                         AS v(source, key, delivery_id)
    WHERE k.source = v.source COLLATE "C" AND k.key = v.key COLLATE "C" AND k.delivery_id = v.delivery_id COLLATE "C" """

TOLD = "{}"
"""Whether it holds is a column of the answer."""
BROKEN = "1 / ({})::int"
"""Divides by zero where a condition does not hold, and CONFLICT takes its logarithm: `translation` tells them apart."""
CONFLICT = "ln(({})::int)"


@cache
def write(parts: tuple[tuple[str, str, str], ...]) -> str:
    """One statement of these (name, SQL, otherwise) parts; a part's parameters are prefixed with its name.

    Nothing is read back before COMMIT is sent, so the server itself has to refuse when a part that has an `otherwise`
    misses rows. There are only as many texts as combinations that occur, so each is prepared once.
    """
    bodies = ", ".join(f"{name} AS ({_PARAMETER.sub(rf'%({name}_', sql)})" for name, sql, _ in parts)
    counts = [
        otherwise.format(f"(SELECT count(*) FROM {name}) = %({name}_count)b::bigint")  # noqa: S608 - names of our own
        for name, _, otherwise in parts
        if otherwise
    ]
    return "WITH " + bodies + " SELECT " + (", ".join(counts) or "1")
