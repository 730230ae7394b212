"""Instances that have ended, until the workflows that start after them were looked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from engine.adapters.databases.database import Database
from engine.adapters.databases.tables import ends, instances
from engine.app.trigger_ports import End


class EndStore:
    """Implements `engine.app.trigger_ports.Ends`. No lock is held meanwhile: what comes of an end is named by it, so twice is once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, limit: int = 500) -> Sequence[End]:
        """See the port."""
        statement = (
            sa.select(ends.c.instance_id, ends.c.seq, instances.c.workflow)
            .select_from(ends.join(instances, instances.c.id == ends.c.instance_id))
            .order_by(ends.c.instance_id, ends.c.seq)
            .limit(limit)
        )
        with self._database.reading() as connection:
            rows = connection.execute(statement)
            return [End(instance=row.instance_id, seq=row.seq, workflow=row.workflow) for row in rows]

    def forget(self, ends_: Collection[End]) -> None:
        """See the port."""
        if ends_:
            keys = [(end.instance, end.seq) for end in ends_]
            with self._database.writing() as connection:
                connection.execute(sa.delete(ends).where(sa.tuple_(ends.c.instance_id, ends.c.seq).in_(keys)))
