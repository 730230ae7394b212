"""What a mock makes of a command: the events that a worker, a person or a child would have sent, or why it cannot be so."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from engine.app.approve import form_schema
from engine.app.attempt_error import attempt_error
from engine.app.kinds import DEFAULT_TIMEOUT, Failed
from engine.app.masking import Masker
from engine.app.outputs import finished
from engine.app.params import read_params
from engine.core import events
from engine.core.commands import OpenApproval, RunTask, StartChild
from engine.core.events import Event
from engine.core.keys import idempotency_key, split_path
from engine.core.state import TaskError
from engine.core.values import Json, JsonObject
from engine.simulate.mocks import Unmocked
from engine.spec.case_models import MockKeys
from engine.spec.kinds import PARAMS
from engine.spec.validation import problems, validator

Answer = tuple[int, Event]
"""After how many milliseconds it comes, and what."""


def attempt(command: RunTask, mock: MockKeys, path: str, params: JsonObject, secrets: Collection[str]) -> Answer:
    """How an attempt ends; `path` names its task to people. Raises Unmocked."""
    _allow(path, mock, {"succeeded", "failed", "cancelled"})
    _, task = split_path(command.path)
    misused = _misused(command.kind, params, secrets)
    if misused is not None:
        return 0, events.TaskFailed(task=task, attempt=command.attempt, error=misused)
    bound = command.timeout or (DEFAULT_TIMEOUT if command.kind == "http" else None)
    if bound is not None and mock.after > bound:
        error: TaskError = {"kind": "timeout", "message": f"no end within {bound / 1000:g} s"}
        return bound, events.TaskFailed(task=task, attempt=command.attempt, error=error)
    if mock.outcome == "cancelled":
        return mock.after, events.TaskResolved(task=task, resolution="cancelled", by="test")
    if mock.fails:
        return mock.after, events.TaskFailed(task=task, attempt=command.attempt, error=error_of(mock))
    outputs = _outputs(command, mock, path, params, secrets)
    return mock.after, events.TaskSucceeded(task=task, attempt=command.attempt, outputs=outputs)


def child(command: StartChild, mock: MockKeys, path: str, id: str) -> Iterator[Answer]:
    """How a child instance that is not run ends. Raises Unmocked."""
    _allow(path, mock, {"succeeded", "failed", "cancelled"})
    _, task = split_path(command.path)
    attempt = command.attempt
    if not command.wait:
        if mock.fails:
            yield mock.after, events.TaskFailed(task=task, attempt=attempt, error=error_of(mock))
        else:
            yield mock.after, events.TaskSucceeded(task=task, attempt=attempt, outputs={"instance": id, **mock.outputs})
        return
    yield 0, events.ChildStarted(task=task, attempt=attempt, child=id)
    outcome: Any = "failed" if mock.fails else mock.outcome or "succeeded"
    yield (
        mock.after,
        events.ChildEnded(
            task=task,
            attempt=attempt,
            child=id,
            outcome=outcome,
            outputs=dict(mock.outputs) if outcome == "succeeded" else None,
            error=error_of(mock) if mock.fails else None,
        ),
    )


def decisions(command: OpenApproval, mock: MockKeys, path: str) -> Iterator[Answer]:
    """What people decide; nothing, if the approval is to expire. Raises Unmocked."""
    if mock.error is not None or mock.kind is not None:
        raise Unmocked(f"{path} cannot fail by itself; mock an `outcome`: approved, rejected or expired")
    _allow(path, mock, {"approved", "rejected", "expired"})
    if mock.outcome == "expired":
        if command.expires_at is None:
            raise Unmocked(f"{path} cannot end as expired: it has no `expires`")
        return
    _, task = split_path(command.path)
    form = {**mock.outputs, **mock.form}
    rejected = mock.outcome == "rejected"
    if not rejected:
        _hold_form(command, form, path)
    elif form:
        raise Unmocked(f"the mock of {path} has a form, and a rejection has none")
    for number in range(1 if rejected else command.require):
        yield (
            mock.after,
            events.DecisionMade(
                task=task,
                attempt=command.attempt,
                person=f"person{number + 1}",
                decision="rejected" if rejected else "approved",
                comment=mock.comment,
                form=form,
            ),
        )


def _hold_form(command: OpenApproval, form: JsonObject, path: str) -> None:
    try:
        wrong = problems(validator(form_schema(command.form)), form)
    except ValueError as error:  # of a template's making: lint could not see it
        raise Unmocked(f"nobody can approve {path}: its form is no schema: {error}") from None
    if wrong:
        raise Unmocked(f"the mock of {path} does not fit its form: {wrong[0].pointer or '/'}: {wrong[0].detail}")


def error_of(mock: MockKeys) -> TaskError:
    """The error that a mock fails with."""
    found: TaskError = {"kind": mock.kind or "mock", "message": mock.error or "it failed"}
    if mock.details:
        found["details"] = mock.details
    return found


def _allow(path: str, mock: MockKeys, outcomes: set[str]) -> None:
    if mock.outcome is not None and mock.outcome not in outcomes:
        raise Unmocked(f"{path} never ends as {mock.outcome}; it ends as {', '.join(sorted(outcomes))}")


def emitted(command: RunTask, params: JsonObject) -> str:
    """The id of the event that an `emit` task sends."""
    return str(params.get("id") or idempotency_key(command.instance, command.path, command.generation))


def _misused(kind: str, params: JsonObject, secrets: Collection[str]) -> TaskError | None:
    """What the kind says of a `with` that it cannot take, now that its expressions have their values."""
    model = PARAMS.get(kind)
    if model is None:
        return None
    try:
        read_params(model, params)
    except Failed as error:
        return attempt_error(error, Masker(secrets))
    return None


def _outputs(command: RunTask, mock: MockKeys, path: str, params: JsonObject, secrets: Collection[str]) -> Json:
    declared = command.outputs or {}
    given = dict(mock.outputs)
    if command.kind == "http":
        given = _answered(given, params, declared, path)
    elif command.kind == "emit":
        given = {"id": emitted(command, params), **given}
    elif command.kind == "message" and given:
        raise Unmocked(f"the mock of {path} does not fit: a message has no outputs")
    try:
        return finished(given, declared, Masker(secrets))
    except Failed as wrong:
        raise Unmocked(f"the mock of {path} does not fit: {wrong.message}") from None


def _answered(outputs: Mapping[str, Json], params: JsonObject, declared: JsonObject, path: str) -> JsonObject:
    """What an `http` task gives: it always has `status`, `headers` and `body`, and declared names come out of a JSON body."""
    whole: JsonObject = {"status": 200, "headers": {}, "body": None, **outputs}
    status, allowed = whole["status"], params.get("allow_status") or []
    if isinstance(status, int) and not 200 <= status < 300 and status not in allowed:  # noqa: PLR2004 - what HTTP calls success
        wanted = f"{{error: it answered {status}, kind: http_{status // 100}xx}}"
        raise Unmocked(
            f"{path} fails when it is answered with {status}, which `allow_status` does not have; mock {wanted}"
        )
    body = whole["body"]
    if isinstance(body, dict):
        whole = {**{name: body[name] for name in declared if name in body}, **whole}
    return whole
