"""The hot path in memory: instances under lock, and all of a record or nothing of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType

from engine.adapters.databases.documents import load
from engine.app.family import is_child
from engine.app.records import Facts, LoadedScope, LockedInstance, Record
from engine.app.remembered import Known
from engine.core.values import Json, JsonObject
from engine.errors import Broken, NotFound, Unavailable
from tests.simulation.memory.gates import MemoryGates
from tests.simulation.memory.tables import InstanceRow, ScopeRow, Tables
from tests.simulation.memory.writes import apply, delete


class MemoryStore:
    """Implements `engine.app.ports.InstanceStore`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @contextmanager
    def lock(
        self,
        scopes: Collection[tuple[str, str]],
        *,
        facts_of: Collection[str] = (),
        known: Mapping[str, Known] = MappingProxyType({}),
        skip_held: bool = False,
    ) -> Iterator[MemoryLocked]:
        owner = object()
        try:
            if not facts_of and all(name in known and path in known[name].scopes for name, path in scopes):
                yield MemoryBelieved(self._tables, owner, scopes, known)
            else:
                names = {instance for instance, _ in scopes}
                held = {name for name in names if skip_held and self._tables.is_held(owner, "instances", name)}
                lock_all(self._tables, owner, names - held)
                yield MemoryLocked(self._tables, owner, [key for key in scopes if key[0] not in held], facts_of, held)
        finally:
            self._tables.release(owner)

    def delete_published(self, ids: Collection[str]) -> list[str]:
        return delete(self._tables, ids)

    def values(self, instance: str, digests: Sequence[str]) -> Mapping[str, Json]:
        found = {digest: self._tables.values.get((instance, digest)) for digest in digests}
        return {digest: load(value) for digest, value in found.items() if value is not None}

    def facts(self, instance: str) -> Facts:
        row = self._tables.instances.get(instance)
        if row is None:
            raise NotFound("instance", instance)
        return facts_of(row)

    def definition(self, digest: str) -> JsonObject:
        return read_definition(self._tables, digest)


class MemoryLocked:
    """Implements `engine.app.ports.Locked`."""

    def __init__(
        self,
        tables: Tables,
        owner: object,
        scopes: Collection[tuple[str, str]],
        wanted: Collection[str],
        held: Collection[str] = (),
    ) -> None:
        self._tables = tables
        self._owner = owner
        self._gates: MemoryGates | None = None
        self.now = tables.now()
        self.held = held
        rows = tables.instances
        self.instances: Mapping[str, LockedInstance] = {
            name: LockedInstance(id=name, digest=row.digest, state=row.state, seq=row.seq)  # type: ignore[arg-type]
            for name in sorted({instance for instance, _ in scopes})
            if (row := rows.get(name)) is not None
        }
        found = {key: tables.scopes.get(key[0], {}).get(key[1]) for key in scopes}
        self.scopes: Mapping[tuple[str, str], LoadedScope] = {
            key: _loaded(row) for key, row in found.items() if row is not None
        }
        self.facts: Mapping[str, Facts] = {name: facts_of(rows[name]) for name in sorted(wanted) if name in rows}

    def definition(self, digest: str) -> JsonObject:
        return read_definition(self._tables, digest)

    def values(self, instance: str, digests: Sequence[str]) -> Mapping[str, Json]:
        return MemoryStore(self._tables).values(instance, digests)

    def children(self, instance: str) -> MemoryChildren:
        return MemoryChildren(self._tables.scopes.get(instance, {}))

    @property
    def gates(self) -> MemoryGates:
        if self._gates is None:
            self._gates = MemoryGates(self._tables, self._owner)
        return self._gates

    def used_up(self, instance: str, event: str) -> bool:
        return (instance, event) in self._tables.receipts

    def record(self, record: Record) -> list[str]:
        left = apply(self._tables, record)
        if self._gates is not None:
            self._gates.commit()
        self._tables.release(self._owner)
        return left


class MemoryBelieved(MemoryLocked):
    """Nothing is locked before something is read or written; then all of it has to be as it was believed."""

    def __init__(
        self, tables: Tables, owner: object, scopes: Collection[tuple[str, str]], known: Mapping[str, Known]
    ) -> None:
        super().__init__(tables, owner, (), ())
        self._believed = known
        self._held = False
        self.instances = {name: each.instance for name, each in known.items()}
        self.scopes = {(name, path): known[name].scopes[path] for name, path in scopes}

    def children(self, instance: str) -> MemoryChildren:
        self._hold()
        return super().children(instance)

    @property
    def gates(self) -> MemoryGates:
        self._hold()
        return super().gates

    def used_up(self, instance: str, event: str) -> bool:
        self._hold()
        return super().used_up(instance, event)

    def record(self, record: Record) -> list[str]:
        self._hold()
        return super().record(record)

    def _hold(self) -> None:
        if self._held:
            return
        if any(self._tables.is_held(self._owner, "instances", name) for name in self._believed):
            raise Broken("what was believed is about to change")
        lock_all(self._tables, self._owner, self._believed)
        if not all(self._is_still_so(name) for name in self._believed):
            raise Broken("what was believed is not so any more")
        self._held = True

    def _is_still_so(self, name: str) -> bool:
        row, known = self._tables.instances.get(name), self._believed[name]
        if row is None or (row.seq, row.digest) != (known.instance.seq, known.instance.digest):
            return False
        stored = {path: _loaded(self._tables.scopes[name][path]) for path in known.scopes}
        assert stored == known.scopes, "the same number, and another state"
        return True


class MemoryChildren:
    """Implements `engine.app.child_ports.Children`."""

    def __init__(self, scopes: Mapping[str, ScopeRow]) -> None:
        self._scopes = scopes

    def load(self, paths: Sequence[str]) -> Mapping[str, LoadedScope]:
        return {path: _loaded(self._scopes[path]) for path in paths if path in self._scopes}

    def live(self, task: str, after: str, limit: int) -> Sequence[tuple[str, LoadedScope]]:
        found = [(path, row) for path, row in self._below(task) if not row.settled and path > after]
        return [(path, _loaded(row)) for path, row in found[:limit]]

    def unsuccessful(self, task: str, began: int, after: str, limit: int) -> Sequence[tuple[str, LoadedScope]]:
        found = [(path, _loaded(row)) for path, row in self._below(task) if row.settled and path > after]
        badly = [
            (path, loaded)
            for path, loaded in found
            if loaded.state.get("began", 0) == began
            and (loaded.state.get("outcome") != "succeeded" or loaded.state.get("undone"))
        ]
        return badly[:limit]

    def undoable(self, task: str, limit: int) -> Sequence[str]:
        well = [
            (loaded.state["finished_at"], len(path), path)
            for path, row in self._below(task)
            if row.settled
            and (loaded := _loaded(row)).state.get("outcome") == "succeeded"
            and not loaded.state.get("undone")
        ]
        return [path for _, _, path in sorted(well)[-limit:]]

    def outputs(self, task: str, began: int) -> Mapping[int, Json]:
        states = [_loaded(row).state for _, row in self._below(task) if row.settled]
        return {
            state["locals"]["index"]: state.get("outputs")
            for state in states
            if state.get("outcome") == "succeeded" and state.get("began", 0) == began
        }

    def _below(self, task: str) -> list[tuple[str, ScopeRow]]:
        return [(path, self._scopes[path]) for path in sorted(self._scopes) if is_child(path, task)]


def lock_all(tables: Tables, owner: object, instances: Collection[str]) -> None:
    for name in sorted(instances):
        if name in tables.instances and not tables.lock(owner, "instances", name):
            raise Unavailable("the database", "a row was locked for too long")


def facts_of(row: InstanceRow) -> Facts:
    """With the definition that the instance goes on with."""
    facts = row.facts
    if (row.digest, row.commit) == (facts.digest, facts.commit):
        return facts
    return replace(facts, digest=row.digest, commit=row.commit)


def read_definition(tables: Tables, digest: str) -> JsonObject:
    document = tables.definitions.get(digest)
    if document is None:
        raise Broken(f"the instances database does not have the definition {digest}")
    if digest not in tables.parsed:
        tables.parsed[digest] = load(document)
    return tables.parsed[digest]


def _loaded(row: ScopeRow) -> LoadedScope:
    return LoadedScope(state=load(row.state), version=row.version)
