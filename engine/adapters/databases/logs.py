"""What tasks printed, line by line."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from engine.adapters.databases.database import Database
from engine.adapters.databases.documents import storable_text
from engine.adapters.databases.tables import task_logs
from engine.app.records import LogLine


class Logs:
    """Implements `engine.app.log_ports.LogStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, lines: Sequence[LogLine]) -> None:
        """See the port. Characters that cannot be kept are replaced: a task's output may hold anything."""
        if not lines:
            return
        rows = [
            {
                "instance_id": line.instance,
                "path": line.path,
                "attempt": line.attempt,
                "number": line.number,
                "stream": line.stream,
                "text": storable_text(line.text),
                "at": line.at,
            }
            for line in lines
        ]
        with self._database.writing() as connection:
            connection.execute(self._database.insert(task_logs).on_conflict_do_nothing(), rows)

    def read(self, instance: str, path: str | None = None, *, after: int = 0, limit: int = 1000) -> Sequence[LogLine]:
        """See the port."""
        statement = sa.select(task_logs).where(task_logs.c.instance_id == instance)
        if path is not None:
            statement = statement.where(task_logs.c.path == path)
        with self._database.reading() as connection:
            return [
                LogLine(
                    instance=row.instance_id,
                    path=row.path,
                    attempt=row.attempt,
                    number=row.number,
                    stream=row.stream,
                    text=row.text,
                    at=row.at,
                )
                for row in connection.execute(statement.order_by(task_logs.c.id).offset(after).limit(limit))
            ]
