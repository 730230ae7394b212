"""The hot path on PostgreSQL: what a batch works on is locked and read in one round trip, or known and not read at all."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType

import sqlalchemy as sa

from engine.adapters.databases.instances import read_definition, read_facts, to_facts
from engine.adapters.databases.postgres import statements
from engine.adapters.databases.postgres.batch import BEGIN, Rows, Statement, first, give_back, run
from engine.adapters.databases.postgres.database import PostgresDatabase
from engine.adapters.databases.postgres.locked import PostgresLocked
from engine.adapters.databases.postgres.server_time import ServerTime
from engine.adapters.databases.translation import translated
from engine.adapters.databases.values import read_values
from engine.app.records import Facts, LoadedScope, LockedInstance
from engine.app.remembered import Known
from engine.core.values import Json, JsonObject

_Keys = Collection[tuple[str, str]]
"""Of scopes: an instance and a path."""


class PostgresInstanceStore:
    """Implements `engine.app.ports.InstanceStore`."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._time = ServerTime()
        self._held: frozenset[str] = frozenset()
        """Instances that were held when somebody who does not wait asked for them last."""

    @contextmanager
    def lock(
        self,
        scopes: _Keys,
        *,
        facts_of: Collection[str] = (),
        known: Mapping[str, Known] = MappingProxyType({}),
        skip_held: bool = False,
    ) -> Iterator[PostgresLocked]:
        """See the port."""
        missing = [key for key in scopes if key[0] not in known or key[1] not in known[key[0]].scopes]
        now = self._time.now()
        if missing or facts_of or now is None:
            with translated():
                locked = self._read(scopes, missing or scopes, facts_of, known, skip_held)
        else:
            locked = self._believed(scopes, known, now)
        try:
            yield locked
        except BaseException:
            self._time.forget()  # another server may answer next, by another clock
            raise
        finally:
            locked.close()

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

    def _believed(self, scopes: _Keys, known: Mapping[str, Known], now: int) -> PostgresLocked:
        return PostgresLocked(
            self._database,
            self._time,
            _opening(known),
            now=now,
            instances={name: each.instance for name, each in known.items()},
            scopes={(instance, path): known[instance].scopes[path] for instance, path in scopes},
        )

    def _read(
        self,
        scopes: _Keys,
        missing: _Keys,
        facts_of: Collection[str],
        known: Mapping[str, Known],
        skip_held: bool,
    ) -> PostgresLocked:
        opened: sa.Connection | None = None
        held: set[str] = set()
        if skip_held and (asked := self._held.intersection(name for name, _ in scopes)):
            # Likely held still: to look first costs less than to read in vain what there is to know of them.
            opened, (_, free) = self._first_answers([BEGIN, _lock(asked, skip_held=True)])
            held = set(asked).difference(name for name, *_ in free)
            scopes, missing = ([key for key in keys if key[0] not in held] for keys in (scopes, missing))
            facts_of = [name for name in facts_of if name not in held]
            known = {name: each for name, each in known.items() if name not in held}
        reads = _reads(scopes, missing, facts_of, skip_held)
        if opened is None:
            connection, (_, first_rows, *more) = self._first_answers([BEGIN, *reads])
        else:
            connection, (first_rows, *more) = opened, self._more(opened, reads)
        rows, facts = (*more, [], [])[:2]
        now: int = (rows or first_rows)[0][-1]  # where nothing is locked the time is all that was read
        self._time.said(now, time.monotonic())
        instances = {
            name: LockedInstance(id=name, digest=digest, state=state, seq=seq)
            for name, digest, state, seq in (first_rows if scopes else [])
        }
        found = _loaded(rows)
        if otherwise := [name for name, each in known.items() if instances.get(name) != each.instance]:
            found |= _loaded(*self._more(connection, [_scopes([key for key in scopes if key[0] in otherwise])]))
        if skip_held:
            if left_out := {name for name, _ in scopes} - instances.keys():
                (there,) = self._more(connection, [(statements.FIND_INSTANCES, {"ids": list(left_out)})])
                held.update(name for (name,) in there)
                found = {key: scope for key, scope in found.items() if key[0] not in held}
            self._held = frozenset(held)
        for name, path in scopes:
            if name in known and (name, path) not in found and name not in otherwise and path in known[name].scopes:
                found[name, path] = known[name].scopes[path]
        return PostgresLocked(
            self._database,
            self._time,
            (),
            now=now,
            instances=instances,
            scopes=found,
            facts={name: to_facts(columns) for name, *columns in facts},
            held=held,
            opened=connection,
        )

    def _more(self, connection: sa.Connection, reads: Sequence[Statement]) -> list[Rows]:
        """What only the first answer showed to be needed."""
        try:
            return run(connection, reads)
        except BaseException:
            give_back(connection)
            raise

    def _first_answers(self, reads: list[Statement]) -> tuple[sa.Connection, list[Rows]]:
        return first(self._database.batches, lambda connection: run(connection, reads))


def _opening(known: Mapping[str, Known]) -> list[Statement]:
    """Begins a transaction that holds what is known: locked in the order of ids, and refused if it is not so any more."""
    rows = [known[name].instance for name in sorted(known)]
    if not rows:
        return [BEGIN, (statements.ASKED, {})]
    names = {
        "ids": [row.id for row in rows],
        "seqs": [row.seq for row in rows],
        "digests": [row.digest for row in rows],
    }
    return [BEGIN, (statements.HOLD_KNOWN, {**names, "count": len(rows)})]


def _reads(scopes: _Keys, missing: _Keys, facts_of: Collection[str], skip_held: bool) -> list[Statement]:
    """The scopes, and the time with them, after the lock: a statement sees what was committed before it began."""
    if not scopes:
        return [(statements.NOW, {})]
    locks = _lock([instance for instance, _ in scopes], skip_held=skip_held)
    facts = [(statements.READ_FACTS, {"ids": list(facts_of)})] if facts_of else []
    return [locks, _scopes(missing), *facts]


def _lock(ids: Collection[str], *, skip_held: bool) -> Statement:
    return statements.LOCK_FREE_INSTANCES if skip_held else statements.LOCK_INSTANCES, {"ids": list(ids)}


def _scopes(keys: _Keys) -> Statement:
    names = {"instances": [instance for instance, _ in keys], "paths": [path for _, path in keys]}
    return statements.READ_SCOPES, names


def _loaded(rows: Rows) -> dict[tuple[str, str], LoadedScope]:
    return {
        (instance, path): LoadedScope(state=state, version=version)
        for instance, path, state, version, _ in rows
        if version is not None
    }
