"""One batch on PostgreSQL: two round trips, to lock and read and to write and commit; one if all it works on is known."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

import sqlalchemy as sa

from engine.adapters.databases.children import ChildScopes
from engine.adapters.databases.effects import has_effects, write_effects
from engine.adapters.databases.events import used_up
from engine.adapters.databases.gates import GateRows
from engine.adapters.databases.instances import read_definition
from engine.adapters.databases.postgres import statements
from engine.adapters.databases.postgres.batch import COMMIT, Statement, first, give_back, living, run
from engine.adapters.databases.postgres.database import PostgresDatabase
from engine.adapters.databases.postgres.rows import writes
from engine.adapters.databases.postgres.server_time import ServerTime
from engine.adapters.databases.translation import translated
from engine.adapters.databases.values import read_values
from engine.app.records import Facts, LoadedScope, LockedInstance, Record
from engine.core.values import Json, JsonObject


class PostgresLocked:
    """Implements `engine.app.ports.Locked`. `opening` begins the transaction, when something is first asked of it."""

    def __init__(
        self,
        database: PostgresDatabase,
        server_time: ServerTime,
        opening: Sequence[Statement],
        *,
        now: int,
        instances: Mapping[str, LockedInstance],
        scopes: Mapping[tuple[str, str], LoadedScope],
        facts: Mapping[str, Facts] = MappingProxyType({}),
        held: Collection[str] = (),
        opened: sa.Connection | None = None,
    ) -> None:
        self._database = database
        self._time = server_time
        self._opening = opening
        self._opened = opened
        self.now = now
        self.instances = instances
        self.scopes = scopes
        self.facts = facts
        self.held = held

    def definition(self, digest: str) -> JsonObject:
        """See the port."""
        with translated():
            return read_definition(self._connection, digest)

    def values(self, instance: str, digests: Sequence[str]) -> Mapping[str, Json]:
        """See the port."""
        with translated():
            return read_values(self._connection, instance, digests)

    def children(self, instance: str) -> ChildScopes:
        """See the port."""
        with translated():
            return ChildScopes(self._connection, instance)

    @property
    def gates(self) -> GateRows:
        """See the port."""
        with translated():
            return GateRows(self._database, self._connection)

    def used_up(self, instance: str, event: str) -> bool:
        """See the port."""
        with translated():
            return used_up(self._connection, instance, event)

    def record(self, record: Record) -> Collection[str]:
        """See the port."""
        with translated():
            if has_effects(record):
                write_effects(self._database, self._connection, record)
            if self._opened is not None:
                answers = run(self._opened, [*writes(record), COMMIT])
            else:
                self._opened = living(self._database.batches)
                asked = time.monotonic()
                _, ((*_, now),), *answers = run(self._opened, [*self._opening, *writes(record), COMMIT])
                self._time.said(now, asked=asked, at=asked)
            if not record.published or answers[-2][0][-1]:  # of the last part: whether all were deleted
                return ()
            (left,) = run(self._opened, [(statements.FIND_OUTBOX, {"ids": record.published})])
            return [name for (name,) in left]

    def close(self) -> None:
        """Give the connection back; what was not recorded is rolled back."""
        if self._opened is not None:
            give_back(self._opened)

    @property
    def _connection(self) -> sa.Connection:
        if self._opened is None:
            self._opened, _ = first(self._database.batches, lambda connection: run(connection, self._opening))
        return self._opened
