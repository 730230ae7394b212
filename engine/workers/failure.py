"""What an instance hears when a command could not be carried out, or its outcome not be taken, through a fault of ours."""

from __future__ import annotations

from engine.app.records import Notification
from engine.core import events
from engine.core.keys import split_path, task_path
from engine.core.values import JsonObject

_OUTCOMES = frozenset(
    {events.TaskSucceeded.type, events.TaskFailed.type, events.TaskCancelled.type, events.ApproversAsked.type}
)


def failure_of(command: JsonObject, message: str) -> Notification | None:
    """An attempt that failed with kind `internal`, or an asking that failed; None for commands that nobody waits for."""
    kind = command.get("type")
    if kind not in ("RunTask", "StartChild", "AskApprovers"):
        return None
    scope, task = split_path(command["path"])
    attempt = command["attempt"]
    event: events.Event = events.TaskFailed(task=task, attempt=attempt, error={"kind": "internal", "message": message})
    if kind == "AskApprovers":
        event = events.AskingFailed(task=task, attempt=attempt, message=message)
    return Notification(instance=command["instance"], scope=scope, event=events.to_json(event))


def failure_instead(outcome: Notification, error: Exception) -> Notification | None:
    """A failure that can be taken, for an outcome that cannot: its instance must not wait for ever. None for other events."""
    event = outcome.event
    task, attempt = event.get("task"), event.get("attempt")
    if event.get("type") not in _OUTCOMES or not isinstance(task, str) or type(attempt) is not int:
        return None
    kind = "AskApprovers" if event["type"] == events.ApproversAsked.type else "RunTask"
    path = task_path(outcome.scope, task)
    reason = str(error).replace("\0", " ").encode("ascii", "backslashreplace").decode()
    command = {"type": kind, "instance": outcome.instance, "path": path, "attempt": attempt}
    return failure_of(command, f"the outcome cannot be taken: {reason}")
