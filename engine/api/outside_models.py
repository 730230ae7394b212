"""The API's words for what comes from outside: events, and the ends of tasks."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from engine.api.models import By, JsonMap, PageQuery, Row, Time, Verdict
from engine.core.event_tasks import LONGEST


class Publish(By):
    type: str = Field(min_length=1, max_length=LONGEST)
    body: Any = None
    id: str | None = Field(
        None, min_length=1, max_length=LONGEST, description="Sent again with the same id it is the same event."
    )


class Published(BaseModel):
    id: str


class Event(Row):
    id: str
    type: str
    source: str = Field(description="`api`, or the task that emitted it, as INSTANCE/PATH.")
    body: Any
    received_at: Time
    by: str
    routed: bool = Field(description="Whether everybody who waits or listens has been told.")
    verdicts: list[Verdict] = Field(description="What each listening workflow made of it, once it is routed.")


class EventQuery(PageQuery):
    type: str | None = None


class Complete(By):
    outputs: JsonMap = Field(
        default_factory=dict, description="Of a task that waits for an event: its parts, as `body`."
    )


class Fail(By):
    message: str = Field(min_length=1, max_length=4000)
    kind: str = Field("fail", pattern=r"^[a-z][a-z0-9_]*$", max_length=100, description="The kind of the error.")
