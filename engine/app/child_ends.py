"""What a parent hears of its child's end: with it, in the same transaction, or when it asks later."""

from __future__ import annotations

from engine.app.records import Instance, InstanceChange, Notification, Parent
from engine.core.events import ChildEnded, to_json
from engine.core.keys import split_path
from engine.core.state import TaskError
from engine.core.values import Json


def notice(change: InstanceChange, parent: Parent) -> Notification:
    """For the scope of the task that waits for an instance that becomes final."""
    scope, _ = split_path(parent.path)
    event = _end_of(change, parent.path, parent.attempt)
    return Notification(instance=parent.instance, scope=scope, event=to_json(event))


def ended(child: Instance, path: str, attempt: int) -> ChildEnded:
    """Of a child that is final."""
    return _end_of(child, path, attempt)


def _end_of(child: Instance | InstanceChange, path: str, attempt: int) -> ChildEnded:
    _, task = split_path(path)
    return ChildEnded(
        task=task,
        attempt=attempt,
        child=child.id,
        outcome=child.state,  # type: ignore[arg-type] # a final one
        outputs=child.outputs,
        error=_first(child.error),
    )


def _first(error: Json) -> TaskError | None:
    """An instance's own error, or that of the first task that failed."""
    if not isinstance(error, dict):
        return None
    found = [error.get("error"), *(failure.get("error") for failure in error.get("failures") or ())]
    return next((one for one in found if one), None)
