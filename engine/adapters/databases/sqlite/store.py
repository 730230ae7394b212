"""The hot path on SQLite: one writer at a time, prepared statements, executemany straight on the driver."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType

import sqlalchemy as sa

from engine.adapters.databases.children import ChildScopes
from engine.adapters.databases.deliveries import HOUR, verdicts_of
from engine.adapters.databases.documents import dump, load
from engine.adapters.databases.effects import write_effects
from engine.adapters.databases.events import used_up
from engine.adapters.databases.gates import GateRows
from engine.adapters.databases.instances import parent_columns, read_definition, read_facts, to_facts
from engine.adapters.databases.sqlite import statements
from engine.adapters.databases.sqlite.database import SqliteDatabase, driver_of
from engine.adapters.databases.timers import PUBLISH_AFTER, round_up
from engine.adapters.databases.translation import DEALT_WITH
from engine.adapters.databases.values import read_values
from engine.app.ports import Clock
from engine.app.records import Facts, LoadedScope, LockedInstance, Record
from engine.app.remembered import Known
from engine.core.values import Json, JsonObject
from engine.errors import Broken, Conflict


class SqliteInstanceStore:
    """Implements `engine.app.ports.InstanceStore`."""

    def __init__(self, database: SqliteDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @contextmanager
    def lock(
        self,
        scopes: Collection[tuple[str, str]],
        *,
        facts_of: Collection[str] = (),
        known: Mapping[str, Known] = MappingProxyType({}),
        skip_held: bool = False,  # noqa: ARG002 - nobody holds anything beside the one writer
    ) -> Iterator[SqliteLocked]:
        """See the port. The one writer's transaction is the lock on everything."""
        with self._database.transaction() as connection:
            yield SqliteLocked(self._database, connection, self._clock.now(), scopes, facts_of=facts_of, known=known)

    def delete_published(self, ids: Collection[str]) -> Collection[str]:
        """See the port. Whoever is about to send rows is the one writer, and waited for."""
        if ids:
            with self._database.writing() as connection:
                connection.exec_driver_sql(statements.DELETE_OUTBOX, [(row,) for row in ids])
        return ()

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


class SqliteLocked:
    """Implements `engine.app.ports.Locked`."""

    held: Collection[str] = ()

    def __init__(
        self,
        database: SqliteDatabase,
        connection: sa.Connection,
        now: int,
        scopes: Collection[tuple[str, str]],
        *,
        facts_of: Collection[str],
        known: Mapping[str, Known],
    ) -> None:
        self._database = database
        self._connection = connection
        self._driver = driver = driver_of(connection)
        self.now = now
        ids = dump(sorted({instance for instance, _ in scopes}))
        self.instances: Mapping[str, LockedInstance] = {
            name: LockedInstance(id=name, digest=digest, state=state, seq=seq)
            for name, digest, state, seq in driver.execute(statements.READ_INSTANCES, (ids,))
        }
        still = {name: each.scopes for name, each in known.items() if self.instances.get(name) == each.instance}
        found = {(name, path): still[name][path] for name, path in scopes if path in still.get(name, ())}
        missing = [key for key in scopes if key not in found]
        for instance, path, state, version in driver.execute(statements.READ_SCOPES, (dump(missing),)):
            found[instance, path] = LoadedScope(state=load(state), version=version)
        self.scopes: Mapping[tuple[str, str], LoadedScope] = found
        self.facts: Mapping[str, Facts] = {
            name: to_facts((workflow, digest, commit, load(inputs), load(trigger), *rest))
            for name, workflow, digest, commit, inputs, trigger, *rest in driver.execute(
                statements.READ_FACTS, (dump(list(facts_of)),)
            )
        }

    def definition(self, digest: str) -> JsonObject:
        """See the port."""
        return read_definition(self._connection, digest)

    def values(self, instance: str, digests: Sequence[str]) -> Mapping[str, Json]:
        """See the port."""
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

    def record(self, record: Record) -> Collection[str]:
        """See the port."""
        self._write_starts(record)
        self._write_instances(record)
        self._write_scopes(record)
        self._write_messages(record)
        self._end_deliveries(record)
        self._store_arrivals(record)
        write_effects(self._database, self._connection, record)
        self._connection.commit()
        return ()

    def _write_starts(self, record: Record) -> None:
        if record.definitions:
            rows = [(digest, dump(document)) for digest, document in record.definitions.items()]
            self._driver.executemany(statements.INSERT_DEFINITION, rows)
        if record.new_instances:
            self._driver.executemany(
                statements.INSERT_INSTANCE,
                [
                    (
                        *(new.id, new.facts.workflow, new.version, new.facts.commit),
                        *(dump(new.facts.inputs), dump(new.facts.trigger), new.facts.started_by, new.facts.started_at),
                        *(new.start_key, new.delivery, new.facts.depth, *parent_columns(new.facts.parent)),
                        new.facts.digest,
                    )
                    for new in record.new_instances
                ],
            )

    def _write_instances(self, record: Record) -> None:
        counted = [(change.seq, change.id) for change in record.instances if change.state is None]
        moved = [
            (change.seq, change.state, _dump(change.outputs), _dump(change.error), change.finished_at, change.id)
            for change in record.instances
            if change.state is not None
        ]
        self._exactly("instance", statements.COUNT_INSTANCE, counted)
        self._exactly("instance", statements.MOVE_INSTANCE, moved)
        self._driver.executemany(statements.INSERT_END, [(end.id, end.seq, end.state) for end in record.ended])

    def _write_scopes(self, record: Record) -> None:
        inserts, updates = [], []
        for write in record.scopes:
            settled = write.state["status"] == "settled"
            values = (dump(write.state), write.version, round_up(write.next_due_at), settled)
            if write.version == 1:
                inserts.append((write.instance, write.path, *values))
            else:
                updates.append((*values, write.instance, write.path, write.version - 1))
        self._driver.executemany(statements.INSERT_SCOPE, inserts)
        self._exactly("scope", statements.UPDATE_SCOPE, updates)

    def _write_messages(self, record: Record) -> None:
        after = self.now + PUBLISH_AFTER
        self._driver.executemany(
            statements.INSERT_HISTORY,
            [(row.instance, row.seq, row.scope, dump(row.event), row.accepted, row.at) for row in record.history],
        )
        self._driver.executemany(
            statements.INSERT_OUTBOX, [(out.id, out.queue, dump(out.body), after) for out in record.outbox]
        )
        self._driver.executemany(statements.DELETE_OUTBOX, [(row,) for row in record.published])

    def _end_deliveries(self, record: Record) -> None:
        rows = [(end.state, end.reason, dump(verdicts_of(end)), end.id) for end in record.deliveries]
        if rows and self._driver.executemany(statements.END_DELIVERY, rows).rowcount != len(rows):
            raise Conflict(DEALT_WITH)

    def _store_arrivals(self, record: Record) -> None:
        keys = [
            (call.source, key, call.id, stored.received_at + hours * HOUR, self.now)
            for call, stored in record.arrivals
            for key, hours in dict(call.keys).items()
        ]
        if keys and self._driver.executemany(statements.TAKE_KEY, keys).rowcount != len(keys):
            raise Conflict(DEALT_WITH)
        self._driver.executemany(
            statements.STORE_DELIVERY,
            [
                (
                    *(row.id, row.source, row.provider, row.event, dump(row.headers), row.body),
                    *(row.state, row.reason, dump(verdicts_of(row)), row.received_at),
                )
                for _, row in record.arrivals
            ],
        )

    def _exactly(self, what: str, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if rows and self._driver.executemany(statement, rows).rowcount != len(rows):
            raise Broken(f"a {what} was changed by somebody else while it was locked, or does not exist")


def _dump(value: object) -> str | None:
    return None if value is None else dump(value)
