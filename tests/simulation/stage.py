"""Puts the engine on the stage: names that its modules took from `time`, `threading` and a source of ids are virtual ones.

Windows are small, so that a few child scopes are more than one transaction takes. Nothing else of the engine is replaced: what runs are its own use cases, batcher, task worker, heartbeat, flusher and loops.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from traceback import format_exc
from types import ModuleType
from typing import Any

from engine.workers import attempts
from tests.core.drawn import SMALL_WINDOW
from tests.simulation import threads
from tests.simulation.definitions import parse
from tests.simulation.kernel import running
from tests.simulation.readers import QueueWorker

_TIME = {"time": threads.Time}
_MODULES: dict[str, dict[str, Any]] = {
    "engine.app.family": {"WINDOW": SMALL_WINDOW},
    "engine.app.insist": {"monotonic": threads.Time.monotonic},
    "engine.app.project": _TIME,
    "engine.app.recent": _TIME,
    "engine.app.remembered": _TIME,
    "engine.app.published": {"Timer": threads.Timer, "Lock": threads.Lock},
    "engine.app.attempt_error": {"traceback": threads.Untold},
    "engine.adapters.broker.consumer": _TIME,
    "engine.adapters.broker.held": _TIME,
    "engine.adapters.broker.intake": {"Condition": threads.Condition, "Lock": threads.Lock},
    "engine.adapters.broker.wire": _TIME,
    "engine.core.items": {"WINDOW": SMALL_WINDOW},
    "engine.core.iterations": {"BURST": 1},
    "engine.workers.attempts": {**_TIME, "Event": threads.Event},
    "engine.workers.batcher": {"Thread": threads.Thread},
    "engine.workers.combined_worker": _TIME,
    "engine.workers.flusher": {"Thread": threads.Thread},
    "engine.workers.heartbeat": {
        **_TIME,
        "Event": threads.Event,
        "Lock": threads.Lock,
        "Thread": threads.Thread,
    },
    "engine.workers.inbox": {"SimpleQueue": threads.SimpleQueue},
    "engine.workers.loop": {"Event": threads.IdleEvent, "Thread": threads.Thread},
    "engine.workers.notification_worker": {"Event": threads.Event, "QueueWorker": QueueWorker},
    "engine.workers.patience": {**_TIME, "Event": threads.Event},
    "engine.workers.task_worker": {**_TIME, "Event": threads.Event, "QueueWorker": QueueWorker},
}
_IDS = ("engine.app.batch", "engine.app.events", "engine.app.start", "engine.adapters.broker.wire")
_PARSERS = ("engine.app.retry", "engine.app.runs", "engine.app.start", "engine.app.triggers")
_ATTEMPTS = ("engine.workers.admission", "engine.workers.handover")


ENOUGH = 5
"""Errors of one run that are kept."""


def new_id() -> str:
    """An id that grows with time, as UUIDv7 does, and comes from the seed."""
    kernel = running()
    return f"{kernel.ms:012x}-{kernel.random.getrandbits(48):012x}"


class Quiet:
    """A logger that says nothing, and tells the run of errors that nobody foresaw."""

    def exception(self, event: str, **keys: object) -> None:
        kernel = running()
        if kernel.task().process.alive and len(kernel.errors) < ENOUGH:  # what a dying process says is not heard
            kernel.errors.append(f"{event}: {keys}\n{format_exc()}")

    def info(self, _event: str, **_keys: object) -> None:
        """Nobody reads it."""

    debug = warning = error = info


def _attempt(**keys: Any) -> attempts.Attempt:
    """With a stop flag and a time that are virtual: a dataclass keeps the makers of its defaults."""
    return attempts.Attempt(stop=threads.Event(), **{"leased_at": threads.Time.monotonic(), **keys})  # type: ignore[arg-type]


@contextmanager
def staged() -> Iterator[None]:
    """While this is open, the engine of this process lives in virtual time."""
    changes: list[tuple[ModuleType, str, Any]] = []
    for name, replaced in _MODULES.items():
        changes += [(importlib.import_module(name), attribute, found) for attribute, found in replaced.items()]
    changes += [(importlib.import_module(name), "uuid7", new_id) for name in _IDS]
    changes += [(importlib.import_module(name), "Attempt", _attempt) for name in _ATTEMPTS]
    changes += [(importlib.import_module(name), "definition_from_json", parse) for name in _PARSERS]
    changes += [(module, "_log", Quiet()) for module in _logging()]
    before = [(module, attribute, getattr(module, attribute)) for module, attribute, _ in changes]
    for module, attribute, found in changes:
        setattr(module, attribute, found)
    try:
        yield
    finally:
        for module, attribute, found in before:
            setattr(module, attribute, found)


def _logging() -> list[ModuleType]:
    return [
        module for name, module in sorted(sys.modules.items()) if name.startswith("engine.") and "_log" in vars(module)
    ]
