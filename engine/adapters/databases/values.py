"""Large outputs by digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from engine.adapters.databases.database import Database
from engine.adapters.databases.documents import dump
from engine.adapters.databases.tables import large_values
from engine.core.values import Json
from engine.errors import TooLarge


class LargeValues:
    """Implements `engine.app.value_ports.ValueStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, instance: str, values: Mapping[str, Json], *, most: int) -> None:
        """See the port."""
        rows = [
            {"instance_id": instance, "digest": digest, "size": len(dump(value)), "document": value}
            for digest, value in sorted(values.items())
        ]
        total = sa.select(sa.func.coalesce(sa.func.sum(large_values.c.size), 0))
        with self._database.writing() as connection:
            connection.execute(self._database.insert(large_values).on_conflict_do_nothing(), rows)
            if connection.execute(total.where(large_values.c.instance_id == instance)).scalar_one() > most:
                raise TooLarge("what the instance has of large outputs", most)

    def get(self, instance: str, digests: Sequence[str]) -> Mapping[str, Json]:
        """See the port."""
        with self._database.reading() as connection:
            return read_values(connection, instance, digests)


def read_values(connection: sa.Connection, instance: str, digests: Sequence[str]) -> Mapping[str, Json]:
    """Those of an instance that are there."""
    wanted = sa.select(large_values.c.digest, large_values.c.document).where(
        large_values.c.instance_id == instance, large_values.c.digest.in_(digests)
    )
    return {row.digest: row.document for row in connection.execute(wanted)}
