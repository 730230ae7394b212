"""The hot path on PostgreSQL: a batch costs two round trips, one to lock and read, one to write and commit."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

import sqlalchemy as sa

from engine.adapters.databases.children import ChildScopes
from engine.adapters.databases.effects import write_effects
from engine.adapters.databases.events import used_up
from engine.adapters.databases.gates import GateRows
from engine.adapters.databases.instances import read_definition, read_facts, to_facts
from engine.adapters.databases.postgres import statements
from engine.adapters.databases.postgres.batch import BEGIN, COMMIT, Rows, Statement, first, give_back, run
from engine.adapters.databases.postgres.database import PostgresDatabase
from engine.adapters.databases.postgres.rows import writes
from engine.adapters.databases.translation import translated
from engine.adapters.databases.values import read_values
from engine.app.records import Facts, LoadedScope, LockedInstance, Record
from engine.core.values import Json, JsonObject


class PostgresInstanceStore:
    """Implements `engine.app.ports.InstanceStore`."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    @contextmanager
    def lock(self, scopes: Collection[tuple[str, str]], *, facts_of: Collection[str] = ()) -> Iterator[PostgresLocked]:
        """See the port."""
        with translated():
            connection, answers = self._first_answers(_reads(scopes, facts_of))
        try:
            yield PostgresLocked(self._database, connection, answers)
        finally:
            give_back(connection)

    def delete_published(self, ids: Collection[str]) -> None:
        """See the port."""
        if ids:
            with translated():
                connection, _ = self._first_answers([(statements.DELETE_OUTBOX, {"ids": list(ids)})])
            give_back(connection)

    def values(self, instance: str, digests: Sequence[str]) -> Mapping[str, Json]:
        """See the port."""
        with self._database.reading() as connection:
            return read_values(connection, instance, digests)

    def facts(self, instance: str) -> Facts:
        """See the port."""
        return read_facts(self._database, instance)

    def definition(self, digest: str) -> JsonObject:
        """See the port."""
        with self._database.reading() as connection:
            return read_definition(connection, digest)

    def _first_answers(self, reads: list[Statement]) -> tuple[sa.Connection, list[Rows]]:
        return first(self._database.batches, lambda connection: run(connection, reads))


class PostgresLocked:
    """Implements `engine.app.ports.Locked`."""

    def __init__(self, database: PostgresDatabase, connection: sa.Connection, answers: list[Rows]) -> None:
        self._database = database
        self._connection = connection
        _, first, *more = answers
        scopes, facts = (*more, [], [])[:2]
        self.now: int = (scopes or first)[0][-1]  # where nothing is locked the time is all that was read
        self.instances: Mapping[str, LockedInstance] = {
            name: LockedInstance(id=name, digest=digest, state=state, seq=seq)
            for name, digest, state, seq in (first if scopes else [])
        }
        self.scopes: Mapping[tuple[str, str], LoadedScope] = {
            (instance, path): LoadedScope(state=state, version=version)
            for instance, path, state, version, _ in scopes
            if version is not None
        }
        self.facts: Mapping[str, Facts] = {name: to_facts(columns) for name, *columns in facts}

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
        return ChildScopes(self._connection, instance)

    @property
    def gates(self) -> GateRows:
        """See the port."""
        return GateRows(self._database, self._connection)

    def used_up(self, instance: str, event: str) -> bool:
        """See the port."""
        return used_up(self._connection, instance, event)

    def record(self, record: Record) -> None:
        """See the port."""
        with translated():
            write_effects(self._database, self._connection, record)
            run(self._connection, [*writes(record), COMMIT])


def _reads(scopes: Collection[tuple[str, str]], facts_of: Collection[str]) -> list[Statement]:
    """The scopes, and the time with them, after the lock: a statement sees what was committed before it began."""
    if not scopes:
        return [BEGIN, (statements.NOW, {})]
    instances = [instance for instance, _ in scopes]
    reads = [
        BEGIN,
        (statements.LOCK_INSTANCES, {"ids": instances}),
        (statements.READ_SCOPES, {"instances": instances, "paths": [path for _, path in scopes]}),
    ]
    return [*reads, (statements.READ_FACTS, {"ids": list(facts_of)})] if facts_of else reads
