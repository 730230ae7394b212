"""Carries out what the task queue brings: runs an attempt, asks approvers, brings events to who wants them.

Whatever happens to an attempt, its instance hears of it: an exception of a kind is an outcome, not a crash (law 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import Event
from typing import TypeAlias

from engine.app.artifacts import Artifacts
from engine.app.aside import put_aside
from engine.app.ask import Asker
from engine.app.attempt_error import attempt_error
from engine.app.children import Children
from engine.app.kinds import Call, Kind, NoHandover, Stopped, misused
from engine.app.large_outputs import LargeOutputs
from engine.app.log_ports import LogStore
from engine.app.masking import Masker
from engine.app.outputs import checked, finished
from engine.app.ports import Clock, Outbox, Secrets
from engine.app.records import Message, Notification
from engine.app.revealed import Revealed
from engine.app.route import Router
from engine.app.task_log import TaskLog
from engine.core import events
from engine.core.commands import (
    AskApprovers,
    CancelChild,
    CancelTask,
    GoOn,
    MatchEvent,
    RouteEvent,
    RunTask,
    StartChild,
    from_json,
)
from engine.core.expressions.render import finish
from engine.core.keys import idempotency_key, split_path
from engine.core.values import Json, JsonObject
from engine.errors import Malformed

_Heard: TypeAlias = RunTask | AskApprovers | StartChild | CancelChild | MatchEvent
_Wanted: TypeAlias = _Heard | RouteEvent


class Performer:
    """Does what commands ask for. Holds no state of its own: one object serves all threads of a worker."""

    def __init__(
        self,
        *,
        kinds: Mapping[str, Kind],
        secrets: Secrets,
        logs: LogStore,
        asker: Asker,
        children: Children,
        router: Router,
        clock: Clock,
        outbox: Outbox,
        artifacts: Artifacts | None = None,
        large: LargeOutputs | None = None,
    ) -> None:
        self._kinds = kinds
        self._secrets = secrets
        self._logs = logs
        self._asker = asker
        self._children = children
        self._router = router
        self._clock = clock
        self._outbox = outbox
        self._artifacts = artifacts
        self._large = large

    def perform(self, command: JsonObject, stop: Event) -> Notification | None:
        """Carry out one command, given as JSON with its `type`, and return what its instance has to hear of it, if anything.

        Setting `stop` ends a running attempt early. Raises Malformed: no such command, or Newer: none that this version knows.
        """
        wanted = _read(command)
        if isinstance(wanted, RouteEvent):
            self._router.obey(wanted, stop)
            return None
        event = self._event(wanted, stop)
        if event is None:
            return None
        scope, _ = split_path(wanted.path)
        return Notification(instance=wanted.instance, scope=scope, event=events.to_json(event))

    def reject(self, message: Message, error: Exception) -> bool:
        """Put a command aside that cannot be read. Returns whether it comes again; raises Unavailable."""
        return put_aside(self._outbox, message, error)

    def _event(self, wanted: _Heard, stop: Event) -> events.Event | None:
        match wanted:
            case RunTask():
                return self._run(wanted, stop)
            case AskApprovers():
                return self._asker.ask(wanted)
            case StartChild():
                return self._children.start(wanted, stop)
            case CancelChild():
                return self._children.cancel(wanted)
            case MatchEvent():
                return self._router.match(wanted, stop)

    def _run(self, run: RunTask, stop: Event) -> events.Event:
        _, task = split_path(run.path)
        secrets = Revealed(self._secrets)
        try:
            outputs = self._outputs(run, secrets, stop)
        except Stopped:
            return events.TaskCancelled(task=task, attempt=run.attempt)
        except Exception as error:  # noqa: BLE001 - whatever a kind raises is the outcome of its attempt
            found = attempt_error(error, Masker(secrets.values()))
            return events.TaskFailed(task=task, attempt=run.attempt, error=found)
        return events.TaskSucceeded(task=task, attempt=run.attempt, outputs=outputs)

    def _outputs(self, run: RunTask, secrets: Revealed, stop: Event) -> JsonObject:
        if stop.is_set():
            raise Stopped
        kind = self._kinds.get(run.kind)
        if kind is None:
            raise misused(f"this worker knows no kind {run.kind!r}; it knows {', '.join(sorted(self._kinds))}")
        params, env = _map("with", finish(run.params, secrets)), _map("env", finish(run.env, secrets))
        declared = run.outputs or {}
        masker = Masker(secrets.values())
        files = self._artifacts.of(run, stop) if self._artifacts and run.artifacts else None
        log = TaskLog(self._logs, self._clock, masker, instance=run.instance, path=run.path, attempt=run.attempt)
        try:
            answer = kind.run(
                Call(
                    instance=run.instance,
                    path=run.path,
                    attempt=run.attempt,
                    workflow=run.workflow,
                    idempotency_key=idempotency_key(run.instance, run.path, run.generation),
                    params=params,
                    env=env,
                    outputs=declared,
                    timeout=run.timeout,
                    stop=stop,
                    log=log,
                    files=files or NoHandover(),
                    mask=masker.value,
                )
            )
        finally:
            log.close()
        if self._large is None:
            outputs = finished(answer, declared, masker)
        else:
            outputs = self._large.kept(run.instance, checked(answer, declared, masker), stop)
        if files is not None:
            files.commit()
        return outputs


def _read(command: JsonObject) -> _Wanted:
    wanted = from_json(command)
    if isinstance(wanted, (CancelTask, GoOn)):
        raise Malformed(f"{wanted.type} is not for a task worker to carry out")
    return wanted


def _map(what: str, value: Json) -> JsonObject:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise misused(f"`{what}` must be a map")
    return value
