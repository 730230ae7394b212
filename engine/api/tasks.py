"""What is done to one task that has not ended: complete it, fail it, cancel it."""

from __future__ import annotations

from engine.api.models import Cancel, Instance
from engine.api.operations import Answer, Call, Operation
from engine.api.outside_models import Complete, Fail

PREFIX = "/api/v1/instances/{id}/tasks/{path:path}"
TAG = "tasks"


def complete(call: Call) -> Answer:
    """It did what it is for: with these outputs it succeeded, or received the event that it waits for. What runs is stopped."""
    sent = call.sent(Complete)
    call.services.resolver.complete(call.path["id"], call.path["path"], sent.outputs, by=sent.by)
    return _asked(call)


def fail(call: Call) -> Answer:
    """It failed, and is not tried again. What runs is stopped."""
    sent = call.sent(Fail)
    call.services.resolver.fail(call.path["id"], call.path["path"], sent.message, kind=sent.kind, by=sent.by)
    return _asked(call)


def cancel(call: Call) -> Answer:
    """It is not wanted any more, nor what it consists of: what waits ends at once, what runs when it has stopped."""
    sent = call.sent(Cancel)
    call.services.resolver.cancel(call.path["id"], call.path["path"], by=sent.by, reason=sent.reason)
    return _asked(call)


def _asked(call: Call) -> Answer:
    return Answer(body=Instance.model_validate(call.services.reader.get(call.path["id"])), status=202)


OPERATIONS = tuple(
    Operation(
        method="POST",
        path=f"{PREFIX}/{verb}",
        id=f"{verb}Task",
        summary=summary,
        tag=TAG,
        handler=handler,
        body=body,
        answer=Instance,
        status=202,
        problems=(404, 409),
    )
    for verb, summary, handler, body in (
        ("complete", "Complete a task from outside", complete, Complete),
        ("fail", "Fail a task from outside", fail, Fail),
        ("cancel", "Cancel one task", cancel, Cancel),
    )
)
