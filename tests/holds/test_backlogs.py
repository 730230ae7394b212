"""What the instances DB tells a monitor, and that telling it costs no look through a table."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest
import sqlalchemy as sa

from engine.adapters.databases.connect import InstancesDatabase
from engine.adapters.databases.postgres.batch import driver
from engine.app.event_ports import NewEvent
from engine.app.records import Record, WaitEffect
from engine.app.trigger_ports import ScheduleRow
from engine.core.commands import AwaitEvent
from tests.holds.given import delivery, message, opened, receive, record, started
from tests.holds.test_plans import nodes

FULL = """
    INSERT INTO scopes (instance_id, path, state, version, next_due_at, settled)
    SELECT 'i' || n, '', '{}', 1, CASE WHEN n % 10 = 0 THEN n::bigint * 1000000000 END, n % 10 > 0
    FROM generate_series(1, 20000) n;
    INSERT INTO events (id, type, source, body, received_at, published_by, depth, routed, verdicts)
    SELECT 'e' || n, 't', 'api', '[1]', n, 'ana', 0, n <> 7, '[]' FROM generate_series(0, 9999) n;
    INSERT INTO deliveries (id, source, provider, event, headers, body, state, reason, verdicts, received_at)
    SELECT 'd' || n, 'g', 'github', 'push', '{}', '', 'started', '', '[]', n FROM generate_series(0, 9999) n;
    INSERT INTO approvals (id, instance_id, path, attempt, message, approvers, exclude, require, form, state, opened_at)
    SELECT 'a' || n, 'i' || n, 'p', 1, '', '[]', '[]', 1, '{}', 'approved', n FROM generate_series(0, 9999) n;
    INSERT INTO outbox (id, queue, body, publish_after)
    SELECT 'm' || n, 'tasks', '{}', n FROM generate_series(0, 9999) n;
    ANALYZE;
"""


def test_a_fresh_database_has_no_backlog(stores: InstancesDatabase):
    assert set(asdict(stores.backlogs.read()).values()) == {0}


def test_everything_that_somebody_has_to_do_is_told(stores: InstancesDatabase):
    now = stores.recovery.now()
    record(stores, started("i1", due=now - 7_000), started("i2", due=now - 3_000), started("i3", due=now + 60_000))
    record(stores, Record(approvals=[opened("i1", at=now - 20_000), opened("i2", at=now - 9_000)]))
    wait = AwaitEvent(path="w", attempt=1, event="paid", since=now, match=None, names={})
    record(stores, Record(waits=[WaitEffect(instance="i1", command=wait)]))
    receive(stores, delivery("d1", "k1"))
    event = NewEvent(id="e1", type="paid", source="api", body=1, by="ana")
    stores.events.publish(event, message("m1"))
    row = ScheduleRow(workflow="nightly", entry="a", next_at=now - 5_000)
    stores.schedules.put(row)
    stores.schedules.put(replace(row, entry="b", next_at=now + 5_000, error="its inputs do not fit"))
    assert stores.recovery.lead("one", 10_000)
    found = stores.backlogs.read()
    assert (found.timers_overdue, found.approvals_open, found.event_waits) == (2, 2, 1)
    assert (found.deliveries_received, found.events_unrouted, found.leaders) == (1, 1, 1)
    assert (found.schedules, found.schedules_failing) == (2, 1)
    for lag, least in ((found.timer_lag, 6_000), (found.approvals_oldest, 20_000), (found.schedule_lag, 5_000)):
        assert least <= lag < least + 30_000


def test_a_row_lags_once_the_relay_could_have_taken_it(stores: InstancesDatabase):
    record(stores, Record(outbox=[message("m1")]))
    assert stores.backlogs.read().outbox_lag == 0
    with stores._database.writing() as connection:
        connection.execute(sa.text("UPDATE outbox SET publish_after = publish_after - 61000"))
    assert 60_000 <= stores.backlogs.read().outbox_lag < 90_000
    with stores._database.writing() as connection:
        connection.execute(sa.text("UPDATE outbox SET parked_at = 1"))
    assert stores.backlogs.read().outbox_lag == 0


def test_nobody_leads_once_the_lease_ran_out(stores: InstancesDatabase):
    assert stores.recovery.lead("one", 10_000)
    with stores._database.writing() as connection:
        connection.execute(sa.text("UPDATE leadership SET until = 1"))
    assert stores.backlogs.read().leaders == 0


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_large_tables_are_not_read(stores: InstancesDatabase):
    database = stores._database
    with database.writing() as connection:
        driver(connection).execute(FULL)
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, sql: str, values: Any, *_: Any) -> None:
        asked.append((sql, values))

    sa.event.listen(database._engine, "before_cursor_execute", note)
    stores.backlogs.read()
    sa.event.remove(database._engine, "before_cursor_execute", note)
    ((sql, values),) = asked
    with database._autocommit.connect() as connection:
        ((plan,),) = driver(connection).execute("EXPLAIN (FORMAT JSON) " + sql, values).fetchall()
    whole = {node["Relation Name"] for node in nodes(plan[0]["Plan"]) if node["Node Type"] == "Seq Scan"}
    assert not whole & {"scopes", "events", "deliveries", "approvals", "outbox"}
