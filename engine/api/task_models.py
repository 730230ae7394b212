"""The API's words for the tasks of an instance."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from engine.api.models import Asked, Row, Time
from engine.app.read import MOST_SCOPES


class Edge(Row):
    source: str
    outcome: str


class Task(Row):
    """`state` is pending, queued, running, waiting, or the outcome."""

    path: str
    kind: str
    state: str
    attempt: int
    losses: int
    needs: Annotated[list[Edge], Field(validation_alias="edges")]
    description: str
    ready_at: Time | None
    started_at: Time | None
    finished_at: Time | None
    outputs: Any
    error: Any
    skipped: Any
    items: Any
    """Of a `for_each`: how many there are, are open, and have ended how."""
    iterations: Any
    """Of a `repeat`: the number of the current one."""
    child: str | None
    """Of a `workflow`: the instance it started."""
    undone: bool
    held: bool
    """It would start or go on if the instance were not paused."""
    cached: bool
    """Its outputs are those of an earlier run."""
    waits_for: str | None
    """Of an `event`: the type of the event that it waits for."""
    by: str | None
    """Who completed, failed or cancelled it from outside."""
    gate: Literal["cache", "slot", "rate"] | None
    """What it waits for before its attempt: a slot of its concurrency group, its turn in a rate limit."""


class TasksQuery(Asked):
    scope: str = Field("", description="Only what the task at this path consists of, or what runs in the scope at it.")
    after: str | None = Field(None, description="The `next` of the page before.")
    limit: int = Field(
        MOST_SCOPES, ge=1, le=MOST_SCOPES, description="Scopes on one page: an item, an iteration or a group is one."
    )


class Tasks(BaseModel):
    """`next` is the `after` of the following page, null at the end."""

    items: list[Task]
    next: str | None = None
