"""The one table of what the API can do; routes, the token guard and the OpenAPI document are made from it."""

from __future__ import annotations

from engine.api import (
    approvals,
    artifacts,
    concurrency,
    definitions,
    deliveries,
    events,
    explain,
    health,
    instances,
    schedules,
    steering,
    syncs,
    tasks,
    workflows,
)
from engine.api.openapi import document
from engine.api.operations import Answer, Call, Operation
from engine.version import installed


def openapi(_call: Call) -> Answer:
    """This description of the API, as OpenAPI 3.1."""
    return Answer(body=document(OPERATIONS, installed() or "0"))


OPERATIONS: tuple[Operation, ...] = (
    *workflows.OPERATIONS,
    *definitions.OPERATIONS,
    *schedules.OPERATIONS,
    *instances.OPERATIONS,
    *explain.OPERATIONS,
    *steering.OPERATIONS,
    *tasks.OPERATIONS,
    *artifacts.OPERATIONS,
    *concurrency.OPERATIONS,
    *approvals.OPERATIONS,
    *events.OPERATIONS,
    *deliveries.OPERATIONS,
    *syncs.OPERATIONS,
    *health.OPERATIONS,
    Operation(
        method="GET",
        path="/api/v1/openapi.json",
        id="getOpenapi",
        summary="The description of the API",
        tag="health",
        handler=openapi,
    ),
)
