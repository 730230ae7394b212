"""What an instance hears when a command could not be carried out through a fault of ours."""

from __future__ import annotations

from engine.app.records import Notification
from engine.core import events
from engine.core.keys import split_path
from engine.core.values import JsonObject


def failure_of(command: JsonObject, message: str) -> Notification | None:
    """An attempt that failed with kind `internal`, or an asking that failed; None for commands that nobody waits for."""
    scope, task = split_path(command.get("path", ""))
    attempt = command.get("attempt", 0)
    event: events.Event
    if command.get("type") == "RunTask":
        event = events.TaskFailed(task=task, attempt=attempt, error={"kind": "internal", "message": message})
    elif command.get("type") == "AskApprovers":
        event = events.AskingFailed(task=task, attempt=attempt, message=message)
    else:
        return None
    return Notification(instance=command["instance"], scope=scope, event=events.to_json(event))
