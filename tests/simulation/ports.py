"""The doors between a process and the databases: every call through them takes time, and may go wrong."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from engine.app.records import Record
from tests.simulation.faults import Weather
from tests.simulation.kernel import Process
from tests.simulation.memory.readers import (
    MemoryApprovals,
    MemoryDefinitions,
    MemoryDeliveries,
    MemoryEvents,
    MemoryReader,
    MemoryValues,
)
from tests.simulation.memory.store import MemoryStore
from tests.simulation.memory.sweeps import MemoryEnds, MemoryOutbox, MemoryRecovery, MemorySchedules
from tests.simulation.memory.tables import Tables

WRITES = frozenset(
    {"publish", "routed", "receive", "forget", "put", "put_off", "park", "mark", "lead", "resign", "delete_published"}
)


class Port:
    """Any store, call by call: each is one statement or one transaction."""

    def __init__(self, weather: Weather, process: Process, name: str, store: object) -> None:
        self._weather = weather
        self._process = process
        self._name = name
        self._store = store

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """A call of this name, made once for all ports."""
        getattr(self._store, name)  # raises AttributeError where there is none
        setattr(Port, name, _through(name))
        found: Callable[..., Any] = getattr(self, name)
        return found


def _through(name: str) -> Callable[..., Any]:
    writes = name in WRITES

    def through(port: Port, *arguments: Any, **keys: Any) -> Any:
        weather, process, call = port._weather, port._process, f"{port._name}.{name}"
        lost = weather.before(process, "database", call)
        answer = getattr(port._store, name)(*arguments, **keys)
        if writes:
            weather.changed()
        weather.after(process, "database", call, unanswered=lost)
        return answer

    return through


class StorePort(Port):
    """The hot path: a transaction in two steps, and whatever is read between them."""

    @contextmanager
    def lock(self, scopes: Collection[tuple[str, str]], **given: Any) -> Iterator[LockedPort]:
        weather, process = self._weather, self._process
        lost = weather.before(process, "database", "store.lock")
        with self._store.lock(scopes, **given) as locked:  # type: ignore[attr-defined]
            weather.after(process, "database", "store.lock", unanswered=lost)
            yield LockedPort(weather, process, locked)


class LockedPort:
    """Implements `engine.app.ports.Locked` over the one in memory."""

    def __init__(self, weather: Weather, process: Process, locked: Any) -> None:
        self._weather = weather
        self._process = process
        self._locked = locked
        self.now: int = locked.now
        self.instances = locked.instances
        self.scopes = locked.scopes
        self.facts = locked.facts
        self.held = locked.held

    def definition(self, digest: str) -> Any:
        return self._read("definition", lambda: self._locked.definition(digest))

    def values(self, instance: str, digests: Sequence[str]) -> Mapping[str, Any]:
        return self._read("values", lambda: self._locked.values(instance, digests))

    def children(self, instance: str) -> Port:
        return Port(self._weather, self._process, "children", self._locked.children(instance))

    @property
    def gates(self) -> Port:
        return Port(self._weather, self._process, "gates", self._locked.gates)

    def used_up(self, instance: str, event: str) -> bool:
        return bool(self._read("used_up", lambda: self._locked.used_up(instance, event)))

    def record(self, record: Record) -> Collection[str]:
        lost = self._weather.before(self._process, "database", "record")
        left: Collection[str] = self._locked.record(record)
        self._weather.changed()
        for change in record.instances:
            self._weather.wrote(change.id, change.seq, change.state)
        self._weather.after(self._process, "database", "record", unanswered=lost)
        return left

    def _read(self, what: str, read: Callable[[], Any]) -> Any:
        lost = self._weather.before(self._process, "database", what)
        found = read()
        self._weather.after(self._process, "database", what, unanswered=lost)
        return found


class OutboxPort(Port):
    """The relay's transaction: rows are claimed, and at its end they are gone."""

    @contextmanager
    def claim(self, limit: int = 500) -> Iterator[Any]:
        weather, process = self._weather, self._process
        lost = weather.before(process, "database", "outbox.claim")
        with self._store.claim(limit) as claimed:  # type: ignore[attr-defined]
            weather.after(process, "database", "outbox.claim", unanswered=lost)
            yield claimed
            lost = weather.before(process, "database", "outbox.commit")
        weather.changed()
        weather.after(process, "database", "outbox.commit", unanswered=lost)


class Doors:
    """All stores as one process has them, each made when it is first asked for."""

    def __init__(self, weather: Weather, process: Process, tables: Tables) -> None:
        self._weather = weather
        self._process = process
        self._tables = tables

    def __getattr__(self, name: str) -> Any:
        """`store`, `outbox` and so on."""
        kind, store = STORES[name]
        port = kind(self._weather, self._process, name, store(self._tables))
        setattr(self, name, port)
        return port


STORES: Mapping[str, tuple[type[Port], Callable[[Tables], object]]] = {
    "store": (StorePort, MemoryStore),
    "outbox": (OutboxPort, MemoryOutbox),
    "recovery": (Port, MemoryRecovery),
    "reader": (Port, MemoryReader),
    "approvals": (Port, MemoryApprovals),
    "deliveries": (Port, MemoryDeliveries),
    "events": (Port, MemoryEvents),
    "ends": (Port, MemoryEnds),
    "schedules": (Port, MemorySchedules),
    "values": (Port, MemoryValues),
    "definitions": (Port, MemoryDefinitions),
}
