"""Armed inside a process: it is gone at once, as by kill -9, when it comes past a named point the so-manieth time."""

from __future__ import annotations

import functools
import importlib
import itertools
import os
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

STATUS = 77
"""Of a process that ended at its point."""
LATEST = 2
"""The point takes effect when it is passed for the first or the second time: some are passed twice at the start, and no more."""

FETCH = "engine.adapters.broker.redis_transport:RedisTransport.fetch"
SETTLE = "engine.adapters.broker.redis_transport:RedisTransport.settle"
RENEW = "engine.adapters.broker.redis_leases:RedisLeases.renew"
LOCK = "engine.adapters.databases.postgres.store:PostgresInstanceStore.lock"
RECORD = "engine.adapters.databases.postgres.store:PostgresLocked.record"
DELETE = "engine.adapters.databases.postgres.store:PostgresInstanceStore.delete_published"
WRITING = "engine.adapters.databases.postgres.database:PostgresDatabase.writing"
STORE = "engine.adapters.databases.postgres.deliveries:PostgresRecorder.store"
CLAIM = "engine.adapters.databases.postgres.outbox:PostgresOutbox.claim"
DUE = "engine.adapters.databases.recovery:RecoveryStore.due"
MARK = "engine.adapters.databases.recovery:RecoveryStore.mark"
LEAD = "engine.adapters.databases.recovery:RecoveryStore.lead"
SQLITE_LOCK = "engine.adapters.databases.sqlite.store:SqliteInstanceStore.lock"
SQLITE_RECORD = "engine.adapters.databases.sqlite.store:SqliteLocked.record"
SQLITE_WRITING = "engine.adapters.databases.sqlite.database:SqliteDatabase.writing"
MEMORY_SETTLE = "engine.adapters.broker.memory_transport:MemoryTransport.settle"
PERFORM = "engine.app.perform:Performer.perform"
LOAD = "engine.adapters.databases.definitions:Definitions.load"

WRITES = ("record", "delete_published")
"""Methods that did something, whatever they give back."""

CALL = ("before", "after")
BLOCK = ("entered", "leaving", "left")
"""Of something used by `with`: when its beginning is over, when its end begins (for a transaction: before its commit), and when that is over."""


class Point(NamedTuple):
    """Where a process ends."""

    process: str
    target: str
    when: str

    def __str__(self) -> str:
        return f"{self.process}: {self.when} {self.target.rpartition(':')[2]}"


Passed = Mapping[str, Sequence[tuple[str, tuple[str, ...]]]]


def points() -> list[Point]:
    """Around every commit, publishing and acknowledgement, and around what these hang on."""
    commit = [(LOCK, ("entered",)), (RECORD, CALL), (SETTLE, CALL)]
    written = [(WRITING, ("leaving", "left"))]
    passed: Passed = {
        "notification-worker": [(FETCH, ("after",)), *commit, (DELETE, CALL)],
        "task-worker": [(FETCH, ("after",)), (PERFORM, CALL), (SETTLE, CALL), (RENEW, CALL), *written],
        "relay": [(CLAIM, BLOCK), (SETTLE, CALL)],
        "scheduler": [(LEAD, ("after",)), (DUE, ("after",)), *commit, (MARK, CALL), *written],
        "webhooks": [(STORE, CALL), *commit],
        "api": commit,
        "sync-worker": [(LOAD, CALL), *written],
    }
    return _points(passed)


def points_of_dev() -> list[Point]:
    """Those of everything in one process, with SQLite and queues in memory."""
    written = (SQLITE_WRITING, ("leaving", "left"))
    return _points(
        {"dev": [(SQLITE_LOCK, ("entered",)), (SQLITE_RECORD, CALL), (MEMORY_SETTLE, CALL), (PERFORM, CALL), written]}
    )


def _points(passed: Passed) -> list[Point]:
    return [
        Point(process, target, when)
        for process, targets in passed.items()
        for target, whens in targets
        for when in whens
    ]


def plan(folder: Path, point: Point | None, process: str) -> None:
    """Have the next process of this name end at this point, or at none."""
    (folder / process).write_text("" if point is None else f"{point.target} {point.when} {random.randint(1, LATEST)}")


def arm(folder: str) -> None:
    """Read this process' plan."""
    # Whoever leads next need not wait for ten seconds: twenty ends of a scheduler have to fit into a test.
    importlib.import_module("engine.app.schedule").LEASE = 2_000  # type: ignore[attr-defined]
    planned = Path(folder, sys.argv[1])
    if not planned.exists() or not (words := planned.read_text().split()):
        return
    target, when, number = words
    module, _, name = target.partition(":")
    owner, _, method = name.partition(".")
    cls = getattr(importlib.import_module(module), owner)
    original = getattr(cls, method)
    ending = _end_at(int(number))
    wrapped = _call(original, when, ending) if when in CALL else _block(original, when, ending)
    setattr(cls, method, functools.wraps(original)(wrapped))


def _end_at(number: int) -> Callable[[], None]:
    passing = itertools.count(1)

    def end() -> None:
        if next(passing) == number:
            os._exit(STATUS)

    return end


def _call(method: Callable[..., Any], when: str, end: Callable[[], None]) -> Callable[..., Any]:
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if when == "before":
            end()
        result = method(*args, **kwargs)
        if when == "after" and (method.__name__ in WRITES or result not in ([], ())):  # or looked and found nothing
            end()
        return result

    return wrapped


def _block(method: Callable[..., Any], when: str, end: Callable[[], None]) -> Callable[..., Any]:
    @contextmanager
    def wrapped(*args: Any, **kwargs: Any) -> Iterator[Any]:
        with method(*args, **kwargs) as value:
            busy = getattr(value, "rows", True)  # a claim of nothing is no claim
            if when == "entered" and busy:
                end()
            yield value
            if when == "leaving" and busy:
                end()
        if when == "left" and busy:
            end()

    return wrapped
