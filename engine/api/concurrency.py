"""Concurrency groups: who holds their slots, and who waits."""

from __future__ import annotations

from engine.api.models import SlotGroup, SlotGroupQuery, SlotGroups
from engine.api.operations import Answer, Call, Operation


def listing(call: Call) -> Answer:
    """The groups with claims, by name; those of each that are oldest."""
    asked = call.asked(SlotGroupQuery)
    groups = call.services.slots.list(group=asked.group, after=asked.after, limit=asked.limit)
    return Answer(body=SlotGroups(items=[SlotGroup.model_validate(group) for group in groups]))


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/concurrency",
        id="listConcurrency",
        summary="Concurrency groups with holders and waiters",
        tag="instances",
        handler=listing,
        query=SlotGroupQuery,
        answer=SlotGroups,
    ),
)
