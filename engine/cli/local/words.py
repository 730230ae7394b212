"""What the terminal says about a task, in a few words."""

from __future__ import annotations

from engine.app.read import TaskView
from engine.app.records import Approval, Instance
from engine.cli.local.printable import line, short
from engine.core.state import TaskError
from engine.web.states import tone, words
from engine.web.task_words import why_skipped
from engine.web.times import duration

LONGEST = 400
"""Characters of an error's message, or of a reason."""


def sign(state: str) -> str:
    """A sign that tells states apart without colour."""
    return {"good": "✓", "bad": "✗", "busy": "●", "wait": "◌", "calm": "◌", "off": "-"}.get(tone(state), "○")


def outcome(view: TaskView) -> str:
    """How a task ended, or its state."""
    return "undone" if view.undone else words(view.state)


def took(view: TaskView, now: int | None = None) -> str:
    """How long it took, or has taken until now; "" where that says nothing."""
    until = view.finished_at or now
    if view.began_at is None or until is None or view.state in ("skipped", "pending"):
        return ""
    return duration(until - view.began_at)


def why(view: TaskView) -> str:
    """Why it is as it is: its error, why it was skipped, what it waits for, how far its items are."""
    if view.error:
        return error(view.error)
    if view.skipped:
        return short(why_skipped(view), LONGEST)
    return meanwhile(view)


def meanwhile(view: TaskView) -> str:
    """What there is to say of a task besides its state and its error."""
    if view.cached:
        return "taken from the cache"
    if view.gate in ("slot", "rate"):
        return "waits for its turn" if view.gate == "rate" else "waits for a slot"
    if view.waits_for and view.finished_at is None:
        return f"waits for the event {short(view.waits_for, LONGEST)}"
    if view.by:
        return f"by {line(view.by)}"
    if view.kind == "approval" and isinstance(view.outputs, dict) and view.outputs.get("decided_by"):
        return f"by {short(', '.join(view.outputs['decided_by']), LONGEST)}"
    if view.items is not None:
        items = view.items
        bad = f", {items['failed']:,} not well" if items["failed"] else ""
        return f"{items['succeeded'] + items['failed']:,} of {items['total']:,} items ended{bad}"
    if view.iterations is not None and view.iterations["number"]:
        return f"iteration {view.iterations['number']:,}"
    return ""


def error(found: TaskError) -> str:
    """`exit: the script ended with exit code 2`."""
    return short(f"{found['kind']}: {found['message']}", LONGEST)


def asks(approval: Approval, may: tuple[str, ...]) -> str:
    """`waits for ana or ben: Ship it?`."""
    people = " or ".join(line(person) for person in may) or "nobody who may decide"
    of = f"{approval.require} of " if approval.require > 1 else ""
    return f"waits for {of}{people}: {short(approval.message, LONGEST)}"


def end(instance: Instance) -> str:
    """`release succeeded in 12.3 s`."""
    spent = duration((instance.finished_at or instance.started_at) - instance.started_at)
    return f"{instance.workflow} {instance.state} in {spent}"


def cause(instance: Instance) -> str:
    """Who cancelled an instance, or its own error; "" where its tasks say it all."""
    found = instance.error
    if not isinstance(found, dict):
        return ""
    cancelled = found.get("cancelled")
    if cancelled:
        return f"cancelled by {line(cancelled['by'])}" + (
            f": {short(cancelled['reason'], LONGEST)}" if cancelled.get("reason") else ""
        )
    own = found.get("error")
    return error(own) if own else ""
