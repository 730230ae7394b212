"""What pages say about a task besides its state."""

from __future__ import annotations

from collections.abc import Sequence

from engine.app.read import TaskView
from engine.core import reasons
from engine.core.outcomes import positive
from engine.web.nesting import REST, Body

SHORT, LONG = 8, 24
"""Tasks in a body that is short, and in one that is long."""


def why_skipped(view: TaskView) -> str:
    """The reason in a sentence, with what its condition read."""
    if view.skipped is None:
        return ""
    read = ", ".join(f"{name} = {value!r}" for name, value in view.skipped.get("values", {}).items())
    return reasons.why_skipped(view.skipped) + (f": {read}" if read else "")


def needs(views: Sequence[TaskView]) -> dict[str, str]:
    """What each waits for, as the file says it: the outcome is named where it is not the expected one."""
    kinds = {(view.scope, view.id): view.kind for view in views}
    return {
        view.path: ", ".join(
            edge.source if edge.outcome == positive(kinds[view.scope, edge.source]) else f"{edge.source}.{edge.outcome}"
            for edge in view.edges
        )
        for view in views
    }


def body_words(body: Body) -> str:
    """What a task consists of and how far that is, in a line: `24 of 30 items ended, 1 not well`."""
    if body.undoes:
        return "what undoes it"
    if body.task.items is not None:
        items = body.task.items
        failed = f", {items['failed']} not well" if items["failed"] else ""
        return f"{items['succeeded'] + items['failed']:,} of {items['total']:,} items ended{failed}"
    if body.task.iterations is not None:
        number = body.task.iterations["number"]
        return "1 iteration" if number == 1 else f"{number:,} iterations"
    return "1 task" if body.count == 1 else f"{body.count:,} tasks"


def starts_open(body: Body) -> bool:
    """Whether a page shows it at once: what is short, and what runs or has failed if it is not too long."""
    return body.count <= SHORT or (body.rank != REST and body.count <= LONG)
