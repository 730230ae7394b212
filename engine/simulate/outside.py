"""The world around a simulated instance: workers, people, events, slots. All of it is mocks on a virtual clock."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from typing import Any

from engine.app.kinds import Failed
from engine.app.masking import Masker
from engine.app.outputs import finished
from engine.core import events
from engine.core.commands import (
    AskApprovers,
    AwaitEvent,
    CancelChild,
    CancelTask,
    Command,
    GoOn,
    MatchEvent,
    OpenApproval,
    RunTask,
    StartChild,
)
from engine.core.expressions.codec import expression_from_json
from engine.core.expressions.errors import EvaluationError
from engine.core.expressions.evaluate import condition
from engine.core.expressions.render import finish
from engine.core.keys import split_path
from engine.core.values import Json, JsonObject
from engine.simulate.gates import Gates
from engine.simulate.instance import Answer
from engine.simulate.mocks import Mocks, Unmocked
from engine.spec.case_models import MockKeys

NOW = -1
"""Instead of a time: at once, before anything else happens."""


class Outside:
    """Everything that an instance asks for. `problems` says what the case would have to mock."""

    def __init__(self, mocks: Mocks, secrets: Mapping[str, str], now: Callable[[], int]) -> None:
        self._mocks = mocks
        self._secrets = secrets
        self._now = now
        self._gates = Gates(now)
        self._queue: list[tuple[int, int, str, events.Event, tuple[str, int] | None]] = []
        self._count = 0
        self._called_off: set[tuple[str, int]] = set()
        self._waits: dict[str, AwaitEvent] = {}
        self._sent: list[JsonObject] = []
        self._consumed: set[str] = set()
        self.given: dict[str, Json] = {}
        """Path of a task to what its last attempt was given."""
        self.messages: list[JsonObject] = []
        self.problems: list[str] = []

    def next_at(self) -> int | None:
        """When the next thing happens by itself."""
        return max(self._queue[0][0], self._now()) if self._queue else None

    def pop(self) -> Answer | None:
        """That thing; None if it was called off meanwhile."""
        _, _, scope, event, attempt = heapq.heappop(self._queue)
        return None if attempt in self._called_off else (scope, event)

    def send(self, at: int, type_: str, body: Json) -> None:
        """An event from outside, which comes later."""
        self._put(at, "", events.EventReceived(task="", attempt=0, event={"type": type_, "body": body, "at": at}))

    def arrive(self, event: JsonObject) -> list[Answer]:
        """An event is there: who waits for it takes it, else it is kept."""
        number = len(self._sent) + 1
        now = self._now()
        stored = {"id": f"event-{number}", "type": event["type"], "source": event.get("source", "test")}
        stored |= {"body": event.get("body"), "received_at": _time(now), "at": now}
        self._sent.append(stored)
        return [answer for wait in list(self._waits.values()) for answer in self._match(wait, [stored])]

    def __call__(self, scope: str, command: Command) -> list[Answer]:
        """Carry a command out: what it is answered now; the rest comes by the clock."""
        try:
            return self._obey(scope, command)
        except Unmocked as problem:
            self.problems.append(str(problem))
            return []

    def _obey(self, scope: str, command: Command) -> list[Answer]:
        match command:
            case RunTask():
                self._run(command)
            case CancelTask():
                self._call_off(command.path, command.attempt, events.TaskCancelled)
            case StartChild():
                self._start(command)
            case CancelChild():
                self._called_off.add((command.path, command.attempt))
                name, task = split_path(command.path)
                ended = events.ChildEnded(
                    task=task, attempt=command.attempt, child=command.child, outcome="cancelled", at=self._now()
                )
                self._put(NOW, name, ended)
            case OpenApproval():
                self._ask(command)
            case AskApprovers():
                name, task = split_path(command.path)
                self._put(NOW, name, events.ApproversAsked(task=task, attempt=command.attempt))
            case AwaitEvent():
                return self._await(command)
            case MatchEvent():
                pass  # `AwaitEvent` has looked already
            case GoOn():
                self._put(NOW, command.scope, events.from_json(command.event, self._now()))
            case _:
                return self._gates.answer(scope, command)
        return []

    def _run(self, command: RunTask) -> None:
        self.given[command.path] = self._received(command)
        mock = self._mocks.take(command.path, command.kind)
        if command.kind == "message":
            self.messages.append(dict(_map(finish(command.params, self._secret))))
        scope, task = split_path(command.path)
        took = mock.after
        event: events.Event
        if command.timeout is not None and mock.after > command.timeout:
            took = command.timeout
            message = f"the attempt took longer than {command.timeout / 1000:g} s"
            event = events.TaskFailed(task=task, attempt=command.attempt, error={"kind": "timeout", "message": message})
        elif mock.error is not None or mock.outcome == "failed":
            error = {"kind": mock.kind, "message": mock.error or "it failed"}
            event = events.TaskFailed(task=task, attempt=command.attempt, error=error)  # type: ignore[arg-type]
        else:
            event = events.TaskSucceeded(task=task, attempt=command.attempt, outputs=self._outputs(command, mock))
        self._put(self._now() + took, scope, event, (command.path, command.attempt))
        if command.kind == "emit" and isinstance(event, events.TaskSucceeded):
            given = _map(finish(command.params, self._secret))
            self._put(self._now() + took, "", _emitted(str(given.get("type", "")), given.get("body"), command.path))

    def _outputs(self, command: RunTask, mock: MockKeys) -> Json:
        try:
            return finished(dict(mock.outputs), command.outputs or {}, Masker(()))
        except Failed as wrong:
            raise Unmocked(f"the mock of {command.path} does not fit: {wrong.message}") from None

    def _received(self, command: RunTask) -> Json:
        params = finish(command.params, self._secret)
        return finish(command.env, self._secret) or {} if command.kind == "script" else params

    def _start(self, command: StartChild) -> None:
        self.given[command.path] = command.inputs
        mock = self._mocks.take(command.path, "workflow")
        scope, task = split_path(command.path)
        key = (command.path, command.attempt)
        child = f"child:{command.path}:{command.attempt}"
        if not command.wait and mock.error is None:
            done = events.TaskSucceeded(task=task, attempt=command.attempt, outputs=dict(mock.outputs))
            self._put(self._now() + mock.after, scope, done, key)
            return
        self._put(NOW, scope, events.ChildStarted(task=task, attempt=command.attempt, child=child), key)
        failed = mock.error is not None or mock.outcome == "failed"
        outcome = "failed" if failed else "cancelled" if mock.outcome == "cancelled" else "succeeded"
        ended = events.ChildEnded(
            task=task,
            attempt=command.attempt,
            child=child,
            outcome=outcome,  # type: ignore[arg-type] # one of three words
            outputs=dict(mock.outputs) if outcome == "succeeded" else None,
            error={"kind": mock.kind, "message": mock.error or "it failed"} if failed else None,
        )
        self._put(self._now() + mock.after, scope, ended, key)

    def _ask(self, command: OpenApproval) -> None:
        self.given[command.path] = {"message": command.message, "approvers": command.approvers}
        mock = self._mocks.take(command.path, "approval")
        scope, task = split_path(command.path)
        if mock.outcome in (None, "approved", "rejected"):
            people = 1 if mock.outcome == "rejected" else command.require
            for number in range(people):
                decision = events.DecisionMade(
                    task=task,
                    attempt=command.attempt,
                    person=f"person{number + 1}",
                    decision="rejected" if mock.outcome == "rejected" else "approved",
                    comment=mock.comment,
                    form={**mock.form, **mock.outputs},
                )
                self._put(self._now() + mock.after, scope, decision, (command.path, command.attempt))
        elif mock.outcome == "expired" and command.expires_at is None:
            raise Unmocked(f"{command.path} cannot end as expired: it has no `expires`")
        elif mock.outcome != "expired":
            raise Unmocked(f"{command.path} never ends as {mock.outcome}")

    def _await(self, command: AwaitEvent) -> list[Answer]:
        self._waits[command.path] = command
        found = self._match(command, self._sent)
        if found:
            return found
        try:
            mock = self._mocks.take(command.path, "event")
        except Unmocked:
            return []  # an event of the case, or of the workflow, may still come
        if mock.outcome in (None, "received"):
            scope, task = split_path(command.path)
            number = f"mock:{command.path}:{command.attempt}"
            at = self._now() + mock.after
            event = {"id": number, "type": command.event, "source": "test", "body": mock.body, "received_at": _time(at)}
            received = events.EventReceived(task=task, attempt=command.attempt, event=event)
            self._put(at, scope, received, (command.path, command.attempt))
        return []

    def _match(self, wait: AwaitEvent, sent: list[JsonObject]) -> list[Answer]:
        for event in sent:
            if event["type"] != wait.event or event["at"] < wait.since or event["id"] in self._consumed:
                continue
            shown = {name: value for name, value in event.items() if name != "at"}
            if wait.match is not None and not _holds(wait.match, {**wait.names, "event": shown}):
                continue
            self._consumed.add(event["id"])
            self._waits.pop(wait.path, None)
            scope, task = split_path(wait.path)
            return [(scope, events.EventReceived(task=task, attempt=wait.attempt, event=shown, at=self._now()))]
        return []

    def _call_off(self, path: str, attempt: int, kind: type[events.TaskCancelled]) -> None:
        self._called_off.add((path, attempt))
        scope, task = split_path(path)
        self._put(NOW, scope, kind(task=task, attempt=attempt))

    def _put(self, at: int, scope: str, event: events.Event, attempt: tuple[str, int] | None = None) -> None:
        self._count += 1
        heapq.heappush(self._queue, (at, self._count, scope, event, attempt))

    def _secret(self, name: str) -> str:
        return self._secrets.get(name, f"secret {name}")


def _emitted(type_: str, body: Json, source: str) -> events.EventReceived:
    return events.EventReceived(task="", attempt=0, event={"type": type_, "body": body, "source": source})


def _holds(match: Json, names: JsonObject) -> bool:
    try:
        return condition(expression_from_json(match), names)
    except EvaluationError:
        return False


def _map(value: Json) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _time(at: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
