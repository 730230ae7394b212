"""Instances that have ended, until the workflows that start after them were looked for; then they are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from engine.adapters.databases.database import Database
from engine.adapters.databases.tables import end_counts, ends, instances
from engine.app.trigger_ports import End

STATE = sa.func.coalesce(ends.c.state, instances.c.state)
"""Rows of an older version do not say it."""


class EndStore:
    """Implements `engine.app.trigger_ports.Ends`. No lock is held meanwhile: what comes of an end is named by it, so twice is once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, limit: int = 500) -> Sequence[End]:
        """See the port."""
        later = ends.alias()
        again = sa.exists().where(later.c.instance_id == ends.c.instance_id, later.c.seq > ends.c.seq)
        statement = (
            sa.select(
                ends.c.instance_id,
                ends.c.seq,
                instances.c.workflow,
                STATE.label("state"),
                sa.not_(again).label("last"),
                instances.c.finished_at,
            )
            .select_from(ends.join(instances, instances.c.id == ends.c.instance_id))
            .order_by(ends.c.instance_id, ends.c.seq)
            .limit(limit)
        )
        with self._database.reading() as connection:
            rows = connection.execute(statement)
            return [
                End(
                    instance=row.instance_id,
                    seq=row.seq,
                    workflow=row.workflow,
                    state=row.state,
                    last=bool(row.last),
                    finished_at=row.finished_at,
                )
                for row in rows
            ]

    def forget(self, ends_: Collection[End]) -> None:
        """See the port. Whoever deletes a row counts it: of two that deal with one end, one does."""
        if not ends_:
            return
        known = {(end.instance, end.seq): end for end in ends_}
        these = sa.delete(ends).where(sa.tuple_(ends.c.instance_id, ends.c.seq).in_(list(known)))
        with self._database.writing() as connection:
            gone = connection.execute(these.returning(ends.c.instance_id, ends.c.seq))
            found = Counter(
                (known[row.instance_id, row.seq].workflow, known[row.instance_id, row.seq].state) for row in gone
            )
            if found:
                connection.execute(self._count(found))

    def _count(self, found: Counter[tuple[str, str]]) -> Any:
        """In order, so that two that count the same do not wait for each other in a circle."""
        rows = [{"workflow": key[0], "state": key[1], "number": number} for key, number in sorted(found.items())]
        insert = self._database.insert(end_counts).values(rows)
        return insert.on_conflict_do_update(
            index_elements=["workflow", "state"], set_={"number": end_counts.c.number + insert.excluded.number}
        )
