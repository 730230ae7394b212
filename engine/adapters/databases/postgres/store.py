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
from engine.core.frozen import frozen
from engine.core.values import Json, JsonObject

_Keys = Collection[tuple[str, str]]
"""Of scopes: an instance and a path."""


@frozen
class Wanted:
    """What is asked for at once."""

    scopes: _Keys
    missing: _Keys
    """Those of them that are not known."""
    facts_of: Collection[str]
    known: Mapping[str, Known]

    def without(self, held: Collection[str]) -> Wanted:
        """The same, but nothing of instances that are held."""
        if not held:
            return self
        return Wanted(
            scopes=[key for key in self.scopes if key[0] not in held],
            missing=[key for key in self.missing if key[0] not in held],
            facts_of=[name for name in self.facts_of if name not in held],
            known={name: each for name, each in self.known.items() if name not in held},
        )

    @property
    def read(self) -> _Keys:
        """The scopes to read whatever the lock shows: all if none is missing, as the time comes with them."""
        return self.missing or self.scopes

    def still_so(self, otherwise: Collection[str]) -> dict[tuple[str, str], LoadedScope]:
        """What is known of the scopes, but of instances that turned out to be otherwise."""
        return {
            (name, path): self.known[name].scopes[path]
            for name, path in self.scopes
            if name in self.known and name not in otherwise and path in self.known[name].scopes
        }


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
                wanted = Wanted(scopes=scopes, missing=missing, facts_of=facts_of, known=known)
                locked = self._read(wanted, skip_held=skip_held)
        else:
            locked = self._believed(scopes, known, now)
        try:
            yield locked
        except BaseException:
            self._time.forget()  # another server may answer next, by another clock
            raise
        finally:
            locked.close()

    def delete_published(self, ids: Collection[str]) -> Collection[str]:
        """See the port."""
        if not ids:
            return ()
        with translated():
            connection, (rows,) = self._first_answers([(statements.DELETE_AND_SEE, {"ids": list(ids)})])
        give_back(connection)
        return [name for (name,) in rows]

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

    def _read(self, wanted: Wanted, *, skip_held: bool) -> PostgresLocked:
        opened, held = self._looked_first(wanted) if skip_held else (None, set())
        wanted = wanted.without(held)
        asked = time.monotonic()
        connection, answers = self._asked(opened, wanted, skip_held)
        try:
            return self._locked(connection, wanted, answers, asked=asked, held=held, skip_held=skip_held)
        except BaseException:
            give_back(connection)
            raise

    def _locked(
        self,
        connection: sa.Connection,
        wanted: Wanted,
        answers: tuple[Rows, Rows, Rows],
        *,
        asked: float,
        held: set[str],
        skip_held: bool,
    ) -> PostgresLocked:
        first_rows, rows, facts = answers
        now: int = (rows or first_rows)[0][-1]  # where nothing is locked the time is all that was read
        self._time.said(now, asked=asked, at=time.monotonic())
        instances = {
            name: LockedInstance(id=name, digest=digest, state=state, seq=seq)
            for name, digest, state, seq in (first_rows if wanted.scopes else [])
        }
        otherwise = {name for name, each in wanted.known.items() if instances.get(name) != each.instance}
        found = wanted.still_so(otherwise) | _loaded(rows)
        if otherwise:
            again = [key for key in wanted.scopes if key[0] in otherwise]
            found |= _loaded(*run(connection, [_scopes(again)]))
        if skip_held:
            held |= _held_now(connection, wanted, instances)
            found = {key: scope for key, scope in found.items() if key[0] not in held}
            self._held = frozenset(held)
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

    def _looked_first(self, wanted: Wanted) -> tuple[sa.Connection | None, set[str]]:
        """Of what was held last, what is held still: to look costs less than to read in vain what there is to know of it."""
        asked = self._held.intersection(name for name, _ in wanted.scopes)
        if not asked:
            return None, set()
        opened, (_, free) = self._first_answers([BEGIN, _lock(asked, skip_held=True)])
        return opened, set(asked).difference(name for name, *_ in free)

    def _asked(
        self, opened: sa.Connection | None, wanted: Wanted, skip_held: bool
    ) -> tuple[sa.Connection, tuple[Rows, Rows, Rows]]:
        """Rows of instances, or the time alone if there is nothing to lock; of scopes; and of facts."""
        reads = _reads(wanted, skip_held)
        if opened is None:
            connection, (_, *answers) = self._first_answers([BEGIN, *reads])
        else:
            try:
                connection, answers = opened, run(opened, reads)
            except BaseException:
                give_back(opened)
                raise
        first_rows, rows, facts = [*answers, [], []][:3]
        return connection, (first_rows, rows, facts)

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


def _reads(wanted: Wanted, skip_held: bool) -> list[Statement]:
    """The scopes, and the time with them, after the lock: a statement sees what was committed before it began."""
    if not wanted.scopes:
        return [(statements.NOW, {})]
    locks = _lock([instance for instance, _ in wanted.scopes], skip_held=skip_held)
    facts = [(statements.READ_FACTS, {"ids": list(wanted.facts_of)})] if wanted.facts_of else []
    return [locks, _scopes(wanted.read), *facts]


def _held_now(connection: sa.Connection, wanted: Wanted, instances: Mapping[str, LockedInstance]) -> set[str]:
    """What was asked for, was not locked, and is there all the same."""
    left_out = {name for name, _ in wanted.scopes} - instances.keys()
    if not left_out:
        return set()
    (there,) = run(connection, [(statements.FIND_INSTANCES, {"ids": list(left_out)})])
    return {name for (name,) in there}


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
