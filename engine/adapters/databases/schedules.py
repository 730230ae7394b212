"""How far the entries of `on.schedule` have come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa

from engine.adapters.databases.database import Database
from engine.adapters.databases.tables import schedules
from engine.app.trigger_ports import ScheduleRow


class ScheduleStore:
    """Implements `engine.app.trigger_ports.Schedules`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> Sequence[ScheduleRow]:
        """See the port."""
        statement = sa.select(schedules).order_by(schedules.c.workflow, schedules.c.entry)
        with self._database.reading() as connection:
            return [ScheduleRow(**row) for row in connection.execute(statement).mappings()]

    def put(self, row: ScheduleRow) -> None:
        """See the port."""
        values = asdict(row)
        insert = self._database.insert(schedules).values(values)
        changes = {name: insert.excluded[name] for name in values if name not in ("workflow", "entry")}
        with self._database.writing() as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=["workflow", "entry"], set_=changes))

    def forget(self, row: ScheduleRow) -> None:
        """See the port."""
        key = sa.and_(schedules.c.workflow == row.workflow, schedules.c.entry == row.entry)
        with self._database.writing() as connection:
            connection.execute(sa.delete(schedules).where(key))
