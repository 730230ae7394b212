"""Instances that `workflow` tasks start: each is named by its attempt, so it is started once however often it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event as Flag

import structlog

from engine.app.cancel import Canceller
from engine.app.child_ends import ended
from engine.app.ports import InstanceReader, InstanceStore
from engine.app.records import FINAL, Parent
from engine.app.start import Starter
from engine.app.triggers import DEEPEST
from engine.core import events
from engine.core.commands import CancelChild, StartChild
from engine.core.keys import lease_key, split_path
from engine.core.state import TaskError
from engine.errors import Invalid, NotFound, Unavailable

TRIES = 5
PAUSE = 1.0
"""Seconds between two tries while the database is away; after the last one the attempt's check asks again."""

_log = structlog.get_logger(__name__)


class Children:
    """Carries out what `workflow` tasks ask for. Safe to share between threads."""

    def __init__(
        self,
        *,
        starter: Starter,
        reader: InstanceReader,
        store: InstanceStore,
        canceller: Canceller,
        pause: float = PAUSE,
    ) -> None:
        self._starter = starter
        self._reader = reader
        self._store = store
        self._canceller = canceller
        self._pause = pause

    def start(self, command: StartChild, stop: Flag) -> events.Event | None:
        """What the task hears: its instance is there, has ended, or cannot be. None: nothing can be said now."""
        return self._patiently(lambda: self._start(command, stop), stop)

    def cancel(self, command: CancelChild) -> events.Event | None:
        """Have the instance cancelled. What the task hears if it has ended already, else None: it hears of its end."""
        return self._patiently(lambda: self._cancel(command), Flag())

    def _start(self, command: StartChild, stop: Flag) -> events.Event | None:
        _, task = split_path(command.path)
        found = self._reader.by_start_key(_start_key(command))
        if found is None:
            if stop.is_set():
                return events.TaskCancelled(task=task, attempt=command.attempt)
            child = self._start_new(command)
            if child is None or isinstance(child, dict):
                return child and events.TaskFailed(task=task, attempt=command.attempt, error=child)
        else:
            child = found.id
        if not command.wait:
            return events.TaskSucceeded(task=task, attempt=command.attempt, outputs={"instance": child})
        if found is not None and found.state in FINAL:
            return ended(found, command.path, command.attempt)
        return events.ChildStarted(task=task, attempt=command.attempt, child=child)

    def _start_new(self, command: StartChild) -> str | TaskError | None:
        """The new instance, or why there is none; None if nobody is there any more who would want to know."""
        try:
            above = self._store.facts(command.instance)
        except NotFound:
            return None
        if above.depth >= DEEPEST:
            return {
                "kind": "depth",
                "message": f"workflows that start one another can be {DEEPEST} deep, and this one is",
            }
        try:
            return self._starter.start_child(
                command.child,
                command.inputs,
                parent=Parent(instance=command.instance, path=command.path, attempt=command.attempt),
                depth=above.depth + 1,
                by=above.started_by,
                start_key=_start_key(command),
            )
        except NotFound as error:
            return {"kind": "config", "message": error.detail}
        except Invalid as error:
            problems = [f"{problem.pointer or '/'}: {problem.detail}" for problem in error.problems]
            return {"kind": "inputs", "message": "; ".join([error.detail, *problems])}

    def _cancel(self, command: CancelChild) -> events.Event | None:
        """By the attempt, whether its parent knows the child yet or not."""
        child = self._reader.by_start_key(_start_key(command))
        if child is None:  # not started yet, or pruned, and so has ended long ago
            return None
        if child.state in FINAL:
            return ended(child, command.path, command.attempt)
        self._canceller.cancel_once(child.id, by=command.by, reason=command.reason)
        return None

    def _patiently(self, act: Callable[[], events.Event | None], stop: Flag) -> events.Event | None:
        for _ in range(TRIES):
            try:
                return act()
            except Unavailable as error:
                _log.warning("a child instance waits", error=str(error))
                stop.wait(self._pause)
        return None


def _start_key(command: StartChild | CancelChild) -> str:
    return f"child:{lease_key(command.instance, command.path, command.attempt)}"
