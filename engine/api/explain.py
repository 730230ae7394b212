"""Why an instance, or one of its tasks, is where it is."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from engine.api.models import Asked, JsonMap, Row, Time
from engine.api.operations import Answer, Call, Operation
from engine.app.explain import Explainer


class EdgeSeen(Row):
    """`got`: the state or the outcome of the source; `satisfied` is null as long as it has not ended."""

    source: str
    outcome: str
    got: str
    satisfied: bool | None


class ConditionSeen(Row):
    """`of`: `if`, or a case of a switch; `values`: what it read, path to value."""

    of: str
    source: str
    result: bool | None
    values: JsonMap


class AttemptSeen(Row):
    """`end`: succeeded, failed, cancelled, lost, received; null for one that has not ended, or was ended from outside."""

    number: int
    started_at: Time | None
    ended_at: Time | None
    end: str | None
    worker: str
    error: Any


class Wait(Row):
    """One thing that is waited for, in words (`said`) and in `details`, which depend on `on`."""

    on: Literal[
        "approval",
        "event",
        "time",
        "retry",
        "slot",
        "rate",
        "cache",
        "queue",
        "worker",
        "child",
        "items",
        "iterations",
        "tasks",
        "pause",
        "undo",
    ]
    said: str
    since: Time | None
    until: Time | None
    details: JsonMap


class Coming(Row):
    """What happens at a time if nothing happens before."""

    at: Time
    what: str


class Follower(Row):
    """A task that waits for this one to end with one of these outcomes."""

    task: str
    outcomes: list[str]


class TaskExplained(Row):
    path: str
    kind: str
    state: str
    why: str
    join: str
    edges: list[EdgeSeen]
    conditions: list[ConditionSeen]
    attempts: list[AttemptSeen]
    error: Any
    handling: Literal["handled", "accepted", "unhandled", "wanted"] | None = Field(
        description="What became of a negative outcome; `wanted`: its own scope stopped it."
    )
    handled_by: list[str]
    waits: list[Wait]
    next: list[Coming]
    followers: list[Follower]


class Explained(Row):
    """`tasks`: those under way and those that ended badly; or the one that was asked for, in full."""

    id: str
    workflow: str
    state: str
    why: str
    waits: list[Wait]
    next: list[Coming]
    tasks: list[TaskExplained]
    more: bool = Field(description="There are more tasks than these.")


class ExplainQuery(Asked):
    task: str | None = Field(None, description="The path of the one task to explain, with its conditions and attempts.")


def explain(call: Call) -> Answer:
    """Why it is where it is, what it waits for, and what comes next; of one task also its edges, conditions and attempts."""
    services = call.services
    explainer = Explainer(
        reader=services.reader, instances=services.instances, approvals=services.approvals, slots=services.slots
    )
    found = explainer.explain(call.path["id"], call.asked(ExplainQuery).task)
    return Answer(body=Explained.model_validate(found))


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/instances/{id}/explain",
        id="explainInstance",
        summary="Why an instance or a task is where it is",
        tag="instances",
        handler=explain,
        query=ExplainQuery,
        answer=Explained,
        problems=(404,),
    ),
)
