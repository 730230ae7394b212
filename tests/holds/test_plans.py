"""Plans of the hot statements on PostgreSQL: by index, on empty tables and on full ones, prepared early or late."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from engine.adapters.databases.connect import InstancesDatabase, open_instances
from engine.adapters.databases.outbox import claimable
from engine.adapters.databases.postgres import statements
from engine.adapters.databases.postgres.batch import driver, run
from engine.adapters.databases.postgres.prepared import prepared
from engine.adapters.databases.postgres.reach import Reach
from engine.adapters.databases.postgres.rows import writes
from engine.adapters.databases.postgres.store import Wanted, _opening, _reads
from engine.app.records import InstanceChange, LockedInstance, Record
from engine.app.remembered import Known
from tests.holds.given import event, message, record, scope, started

pytestmark = pytest.mark.postgres

KEYS = [(f"i{number}", "") for number in range(0, 5_000, 25)]
BATCH = Record(
    instances=[InstanceChange(id=name, seq=2) for name, _ in KEYS]
    + [InstanceChange(id=f"i{number}", seq=2, state="failed") for number in range(1, 1_000, 5)],
    scopes=[scope(name, 2) for name, _ in KEYS],
    history=[event(name, 2) for name, _ in KEYS],
    published=[f"m{number}" for number in range(0, 5_000, 25)],
)
SINGLE = Record(
    instances=[InstanceChange(id="i1", seq=2)], scopes=[scope("i1", 2)], history=[event("i1", 2)], published=["m1"]
)
KNOWN = {
    name: Known(instance=LockedInstance(id=name, digest="d1", state="running", seq=1), scopes={}) for name, _ in KEYS
}
HOT = [
    *(
        statement
        for keys in (KEYS, KEYS[:1])
        for skip_held in (False, True)
        for statement in _reads(Wanted(scopes=keys, missing=keys, facts_of=["i1"], known={}), skip_held)
    ),
    *_opening(KNOWN)[1:],
    *(statement for batch in (BATCH, SINGLE) for statement in writes(batch)),
]


@pytest.fixture
def stores(postgres_url: str) -> Iterator[InstancesDatabase]:
    opened = open_instances(postgres_url)
    yield opened
    opened.close()


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def read_whole(plan: dict[str, Any]) -> list[str]:
    """Tables and indexes that a plan reads from end to end, and nodes it uses only because it has no other."""
    return [
        f"{node['Node Type']} of {node.get('Relation Name') or node.get('Index Name')}"
        for node in nodes(plan)
        if node["Node Type"] == "Seq Scan"
        or ("Index" in node["Node Type"] and "Index Cond" not in node)
        or node.get("Disabled")
    ]


def scanned(plan: dict[str, Any]) -> set[str]:
    """Tables that a plan reads from end to end."""
    return {node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"}


def hot_plans(stores: InstancesDatabase) -> Iterator[tuple[str, dict[str, Any]]]:
    with stores._database.batches.connect() as connection:
        for sql, values in HOT:
            [[(plan,)]] = run(connection, [("EXPLAIN (FORMAT JSON) " + sql, values)])
            yield sql, plan[0]["Plan"]


def fill(stores: InstancesDatabase) -> None:
    """5,000 instances, scopes and messages, without going through the store one by one."""
    with stores._database.writing() as connection:
        for table in ("instances", "scopes", "history"):
            column = "id" if table == "instances" else "instance_id"
            columns = [
                row.column_name
                for row in connection.execute(
                    sa.text("SELECT column_name FROM information_schema.columns WHERE table_name = :table"),
                    {"table": table},
                )
            ]
            rest = ", ".join(f'"{name}"' for name in columns if name != column)
            connection.execute(
                sa.text(
                    f"INSERT INTO {table} ({column}, {rest}) SELECT 'i' || n, {rest} FROM {table}, generate_series(0, 4999) n"
                )
            )
        connection.execute(
            sa.text(
                "INSERT INTO outbox (id, queue, body, publish_after)"
                " SELECT 'm' || n, 'tasks', '{}', 4000000000000 FROM generate_series(0, 4999) n"
            )
        )
        connection.execute(sa.text("UPDATE scopes SET next_due_at = 4000000000000"))


def test_hot_statements_never_read_a_whole_table(stores: InstancesDatabase):
    for sql, plan in hot_plans(stores):
        assert read_whole(plan) == [], f"empty: {sql}"
    record(stores, started("template"))
    fill(stores)
    for sql, plan in hot_plans(stores):
        assert read_whole(plan) == [], f"full, never analyzed: {sql}"
    with stores._database.reading() as connection:
        connection.execute(sa.text("ANALYZE"))
    for sql, plan in hot_plans(stores):
        assert read_whole(plan) == [], f"full: {sql}"


def test_a_plan_prepared_on_empty_tables_serves_full_ones(stores: InstancesDatabase):
    record(stores, started("template"))
    with stores._database.batches.connect() as connection:
        raw = driver(connection)
        raw.execute("SET plan_cache_mode = force_generic_plan")
        raw.execute(f"PREPARE early AS {prepared(statements.READ_SCOPES).text.decode()}")
        raw.execute("EXPLAIN EXECUTE early (ARRAY['i1'], ARRAY[''])")
        fill(stores)
        ((plan,),) = raw.execute("EXPLAIN (FORMAT JSON) EXECUTE early (ARRAY['i1'], ARRAY[''])").fetchall()
    assert read_whole(plan[0]["Plan"]) == []


def look(stores: InstancesDatabase) -> None:
    """The scheduler's glance, where its statement is seen."""
    with stores._database.reading() as connection:
        connection.execute(stores.recovery._look)


def test_sweeps_use_their_partial_indexes(stores: InstancesDatabase):
    record(stores, started("template"))
    fill(stores)
    record(stores, Record(outbox=[message("fresh")]))
    recovery, database = stores.recovery, stores._database
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, sql: str, values: Any, *_: Any) -> None:
        asked.append((sql, values))

    sa.event.listen(database._engine, "before_cursor_execute", note)
    look(stores)
    recovery.due()
    recovery.live(("i5", ""))
    recovery.received(10_000)
    stores.reader.list(state="running")
    stores.reader.list(before="i7")
    stores.deliveries.list(before="e1")
    with database.writing() as connection:
        connection.execute(sa.text("ANALYZE"))
        connection.execute(claimable(database, 500).with_for_update(skip_locked=True))
        connection.execute(claimable(database, 500).where(_reach().within(database, 1.0)))
    sa.event.remove(database._engine, "before_cursor_execute", note)
    selects = [(sql, values) for sql, values in asked if sql.startswith("SELECT") and "FROM deliveries" not in sql]
    assert len(selects) == 7
    with database._autocommit.connect() as connection:
        for sql, values in selects:
            ((plan,),) = driver(connection).execute("EXPLAIN (FORMAT JSON) " + sql, values).fetchall()
            assert scanned(plan[0]["Plan"]) <= {"ends", "events", "schedules"}, sql  # which are empty here
            if "dead" in sql:  # the bound has to spare the walk, not to sort out what it found
                assert any("dead" in node.get("Index Cond", "") for node in nodes(plan[0]["Plan"])), plan


def _reach() -> Reach:
    """One that has looked before."""
    reach = Reach()
    reach.looked(0.0, 0)
    return reach


def test_events_and_waits_are_found_by_index(stores: InstancesDatabase):
    database = stores._database
    with database.writing() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO events (id, type, source, body, received_at, published_by, depth, routed, verdicts)"
                " SELECT 'e' || n, 't' || n % 50, 'api', '[1]', n, 'ana', 0, n <> 7, '[]' FROM generate_series(0, 9999) n"
            )
        )
        for table, rest, values in (
            ("event_waits", "path, attempt, type, since, names", "'a', 1, 't' || n % 50, 0, '{}'"),
            ("event_receipts", "event_id", "'e' || n"),
        ):
            connection.execute(
                sa.text(
                    f"INSERT INTO {table} (instance_id, {rest}) SELECT 'i' || n, {values} FROM generate_series(0, 9999) n"
                )
            )
        connection.execute(sa.text("ANALYZE"))
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, sql: str, values: Any, *_: Any) -> None:
        asked.append((sql, values))

    sa.event.listen(database._engine, "before_cursor_execute", note)
    one = stores.events.get("e1")
    wait = stores.events.wait("i1", "a", 1)
    assert wait is not None
    assert len(stores.events.waits(one, after=("i1", "a", 1))) == 199
    assert len(stores.events.unused(wait, after=one)) == 100
    assert [event.id for event in stores.events.unrouted(0)] == ["e7"]
    stores.events.list(before="e9")
    stores.events.list(type="t1")
    look(stores)
    sa.event.remove(database._engine, "before_cursor_execute", note)
    selects = [(sql, values) for sql, values in asked if sql.startswith("SELECT")]
    assert len(selects) == 8
    with database._autocommit.connect() as connection:
        for sql, values in selects:
            ((plan,),) = driver(connection).execute("EXPLAIN (FORMAT JSON) " + sql, values).fetchall()
            assert scanned(plan[0]["Plan"]) <= {"ends", "schedules", "scopes"}, sql  # which are empty here


def test_pruning_can_do_all_by_index(stores: InstancesDatabase):
    record(stores, started("template"))
    fill(stores)
    database, retention = stores._database, stores.retention
    with database.writing() as connection:
        number = "substr(id, 2)::int"
        ended = f"UPDATE instances SET started_at = {number}, finished_at = {number} WHERE id NOT IN ('i7', 'template')"
        connection.execute(sa.text(ended))
        connection.execute(sa.text("UPDATE scopes SET settled = true, next_due_at = NULL"))
        connection.execute(sa.text("ANALYZE"))
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, sql: str, values: Any, *_: Any) -> None:
        asked.append((sql, values))

    sa.event.listen(database._engine, "before_cursor_execute", note)
    first = retention.let_go(ended_before=2**60, limit=10)
    assert retention.let_go(ended_before=2**60, after=first.last, limit=10).gone == 10
    assert retention.let_go_beyond("release", 50, ended_before=2**60, limit=10).gone == 10
    assert retention.next_workflow("") == "release"
    assert retention.sweep(25) == 25
    assert retention.sweep(1_000) > 0
    retention.forget(before=1, limit=10)
    assert retention.count(ended_before=2**60) > 0
    sa.event.remove(database._engine, "before_cursor_execute", note)
    explained = [(sql, values) for sql, values in asked if sql.startswith(("SELECT", "DELETE"))]
    assert len(explained) > 30
    with database._autocommit.connect() as connection:
        driver(connection).execute("SET enable_seqscan = off")  # what is left then is read for want of an index
        for sql, values in explained:
            ((plan,),) = driver(connection).execute("EXPLAIN (FORMAT JSON) " + sql, values).fetchall()
            assert not scanned(plan[0]["Plan"]) & {"instances", "scopes", "history"}, sql
