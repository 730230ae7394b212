"""What goes wrong between a process and its stores when a test says so."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from engine.adapters.broker.publisher import QueuePublisher
from engine.app.ports import InstanceStore, Locked
from engine.app.records import Message, Record
from engine.errors import Unavailable


class Faults:
    """What goes wrong next. `broker_down`: nothing can be sent; `answer_lost`: the next commit happens, and nobody hears;
    `unwritten`: the next commit does not happen; `undeleted`: so many times published rows cannot be deleted.
    """

    def __init__(self) -> None:
        self.broker_down = False
        self.answer_lost = False
        self.unwritten = False
        self.undeleted = 0


class FaultyPublisher:
    """The real one, and the markers a wiped broker would have."""

    def __init__(self, publisher: QueuePublisher, faults: Faults) -> None:
        self._publisher = publisher
        self._faults = faults
        self.marker = ""

    def publish(self, messages: Sequence[Message]) -> None:
        if self._faults.broker_down:
            raise Unavailable("the broker", "it is down")
        self._publisher.publish(messages)

    def generation(self) -> str:
        if self._faults.broker_down:
            raise Unavailable("the broker", "it is down")
        return self.marker or self._publisher.generation()


class FaultyStore:
    """The real one, whose commits may lose their answer."""

    def __init__(self, store: InstanceStore, faults: Faults) -> None:
        self._store = store
        self._faults = faults
        self.locks = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def delete_published(self, ids: Collection[str]) -> Collection[str]:
        if self._faults.undeleted:
            self._faults.undeleted -= 1
            raise Unavailable("the database", "it restarts")
        return self._store.delete_published(ids)

    @contextmanager
    def lock(self, scopes: Any, **given: Any) -> Iterator[Any]:
        self.locks += 1
        with self._store.lock(scopes, **given) as locked:
            yield _FaultyLocked(locked, self._faults)


class _FaultyLocked:
    def __init__(self, locked: Locked, faults: Faults) -> None:
        self._locked = locked
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        return getattr(self._locked, name)

    def record(self, record: Record) -> Collection[str]:
        if self._faults.unwritten:
            self._faults.unwritten = False
            raise Unavailable("the database", "the connection was lost")
        left = self._locked.record(record)
        if self._faults.answer_lost:
            self._faults.answer_lost = False
            raise Unavailable("the database", "the answer to COMMIT was lost")
        return left
