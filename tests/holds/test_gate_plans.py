"""What a slot, a turn or a look costs on PostgreSQL does not depend on how many claims, turns and results there are."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from engine.adapters.databases.connect import InstancesDatabase, open_instances
from engine.app.records import Claim, SlotWish
from tests.holds.given import record, started
from tests.holds.test_plans import read_whole

pytestmark = pytest.mark.postgres

CROWD = """
INSERT INTO slot_groups SELECT 'g' || n, 2, 5000 FROM generate_series(1, 20) AS n;
INSERT INTO slots SELECT 'g' || n % 20 + 1, 'i' || n, 'a', 1, n, n <= 40, false, 1 FROM generate_series(1, 40000) AS n;
INSERT INTO rate_limits SELECT 'g' || n, 1000, 1, 1 FROM generate_series(1, 2000) AS n;
INSERT INTO rate_turns SELECT 'g' || m, n, 1 FROM generate_series(1, 5000) AS m, generate_series(998, 1000) AS n;
INSERT INTO kept_outputs SELECT 'w', 'a', 'k' || n, '{}', 1 FROM generate_series(1, 20000) AS n;
ANALYZE"""


@pytest.mark.parametrize("full", [False, True])
def test_every_statement_goes_by_index_and_touches_few_rows(postgres_url: str, full: bool):
    stores = open_instances(postgres_url)
    try:
        record(stores, started("i1"))
        with stores._database.writing() as connection:
            for statement in CROWD.split(";") if full else ():
                connection.execute(sa.text(statement))
        found = explained(stores)
    finally:
        stores.close()
    assert len(found) > 15
    for text, plan in found:
        assert read_whole(plan) == [], text
        assert most_rows(plan) <= 10, text


def explained(stores: InstancesDatabase) -> list[tuple[str, dict[str, Any]]]:
    """Every statement of the gates, with how it was really carried out."""
    found: list[tuple[str, dict[str, Any]]] = []
    with stores.store.lock([]) as locked:
        gates = locked.gates
        connection = gates._connection
        busy = False

        def explain(conn: Any, statement: Any, *_: Any) -> None:
            nonlocal busy
            if busy or isinstance(statement, sa.sql.dml.Insert):
                return
            busy = True
            text = str(statement.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}))
            conn.exec_driver_sql("SAVEPOINT before")
            plan = conn.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {text.replace('%', '%%')}").scalar_one()
            conn.exec_driver_sql("ROLLBACK TO SAVEPOINT before")
            found.append((text, plan[0]["Plan"]))
            busy = False

        sa.event.listen(connection, "before_execute", explain)
        claim = Claim(instance="i1", path="b", attempt=1)
        gates.take_slot(SlotWish(group="g1", limit=2, when_full="queue", claim=claim), 5)
        gates.take_slot(SlotWish(group="g1", limit=2, when_full="queue", claim=claim), 5)
        gates.release_slot("g1", "i20", "a")
        gates.release_slot("g1", "i1", "b")
        gates.take_turn("g1", 3, 1_000, 5)
        gates.look_up("w", "a", "k7", 0)
        sa.event.remove(connection, "before_execute", explain)
    return found


def most_rows(plan: dict[str, Any]) -> int:
    """Of any step of a plan, those it threw away among them."""
    here = plan.get("Actual Rows", 0) + plan.get("Rows Removed by Filter", 0)
    return max([int(here), *(most_rows(below) for below in plan.get("Plans", ()))])
