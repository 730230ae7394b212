"""Fills the real tables with instances that have ended: copies of one that the stack has really run, ids and times their own."""

from __future__ import annotations

import sqlalchemy as sa

from benchmarks.stack import Stack
from engine.adapters.databases.tables import history, instances, scopes

DAY = 24 * 60 * 60 * 1000
CHUNK = 50_000
"""Instances copied in one transaction."""
TOOK = 500
"""Milliseconds from the start of a copy to its end."""

HEX = {"postgresql": "lpad(to_hex({}), 12, '0')", "sqlite": "printf('%012x', {})"}
SERIES = {
    "postgresql": "generate_series(CAST(:first AS bigint), :last) AS s(n)",
    "sqlite": "(WITH RECURSIVE s(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM s WHERE n < :last) SELECT n FROM s) AS s",
}


def fill(stack: Stack, workflow: str, count: int, *, ended: tuple[int, int]) -> None:
    """Copy an instance of the workflow `count` times; their ends lie evenly between so many and so many days ago."""
    (template,) = stack.start(workflow, 1)
    stack.wait(template)
    oldest, newest = (stack.application.instances.recovery.now() - days * DAY for days in ended)
    given = {"template": template, "oldest": oldest, "step": (newest - oldest) / count}
    engine = sa.create_engine(stack.application.config.instances)
    statements = [sa.text(_copy(table, engine.dialect.name)) for table in (instances, scopes, history)]
    for first in range(0, count, CHUNK):
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(statement, {**given, "first": first, "last": min(first + CHUNK, count) - 1})
    if engine.dialect.name == "postgresql":  # what autovacuum does over the weeks in which real ones come
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM (ANALYZE) instances, scopes, history"))
            connection.execute(sa.text("CHECKPOINT"))
    engine.dispose()


def _copy(table: sa.Table, dialect: str) -> str:
    ended = "CAST(:oldest + n * :step AS bigint)"
    made = HEX[dialect].format(ended)
    name = f"substr({made}, 1, 8) || '-' || substr({made}, 9, 4) || '-7000-8000-' || {HEX[dialect].format('n')}"
    own = {
        "id": name,
        "instance_id": name,
        "started_at": f"{ended} - {TOOK}",
        "finished_at": ended,
        "start_key": "NULL",
    }
    key, order = ("id", "n") if table is instances else ("instance_id", "n, seq" if table is history else "n")
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    values = ", ".join(own.get(column.name, f'o."{column.name}"') for column in table.columns)
    return (
        f"INSERT INTO {table.name} ({columns}) SELECT {values}"
        f" FROM {SERIES[dialect]}, {table.name} AS o WHERE o.{key} = :template ORDER BY {order}"
    )
