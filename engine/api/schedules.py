"""Schedules: what the clock starts, when next, and what became of the last time."""

from __future__ import annotations

from engine.api.models import Schedule, ScheduleQuery, Schedules
from engine.api.operations import Answer, Call, Operation
from engine.app.timetable import Planned


def listing(call: Call) -> Answer:
    """The entries of `on.schedule` of the active workflows, by workflow."""
    planned = call.services.timetable.planned(call.asked(ScheduleQuery).workflow)
    return Answer(body=Schedules(items=[_schedule(one) for one in planned]))


def _schedule(planned: Planned) -> Schedule:
    entry, row = planned.entry, planned.row
    return Schedule(
        workflow=row.workflow,
        cron=entry.cron,
        timezone=entry.timezone,
        overlap=entry.overlap,
        upcoming=list(planned.upcoming),
        pending=row.pending_at is not None,
        last_at=row.last_at,
        last_instance=row.last_instance,
        error=row.error,
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/schedules",
        id="listSchedules",
        summary="What the clock starts",
        tag="workflows",
        handler=listing,
        query=ScheduleQuery,
        answer=Schedules,
    ),
)
