"""What people do to an instance that is under way or has ended: cancel, pause, resume, retry."""

from __future__ import annotations

from engine.api.models import By, Cancel, Instance, Pause, Retry
from engine.api.operations import Answer, Call, Operation

PREFIX = "/api/v1/instances/{id}"
TAG = "instances"


def cancel(call: Call) -> Answer:
    """Ask for an instance to be cancelled; `finally` still runs."""
    sent = call.sent(Cancel)
    call.services.canceller.cancel(call.path["id"], by=sent.by, reason=sent.reason)
    return _asked(call)


def pause(call: Call) -> Answer:
    """Start nothing new in an instance; what runs ends."""
    sent = call.sent(Pause)
    call.services.pauser.pause(call.path["id"], by=sent.by, reason=sent.reason)
    return _asked(call)


def resume(call: Call) -> Answer:
    """Let a paused instance go on."""
    call.services.pauser.resume(call.path["id"], by=call.sent(By).by)
    return _asked(call)


def retry(call: Call) -> Answer:
    """Reopen an instance that has ended: its failed tasks or those named, and all that depends on them."""
    sent = call.sent(Retry)
    newest = sent.version == "newest"
    call.services.retrier.retry(call.path["id"], by=sent.by, tasks=sent.tasks, newest=newest)
    return _asked(call)


def _asked(call: Call) -> Answer:
    return Answer(body=Instance.model_validate(call.services.reader.get(call.path["id"])), status=202)


OPERATIONS = tuple(
    Operation(
        method="POST",
        path=f"{PREFIX}/{verb}",
        id=f"{verb}Instance",
        summary=summary,
        tag=TAG,
        handler=handler,
        body=body,
        answer=Instance,
        status=202,
        problems=(404, 409),
    )
    for verb, summary, handler, body in (
        ("cancel", "Cancel an instance", cancel, Cancel),
        ("pause", "Pause an instance", pause, Pause),
        ("resume", "Resume a paused instance", resume, By),
        ("retry", "Retry an instance that has ended", retry, Retry),
    )
)
