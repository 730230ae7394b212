"""Events: what happened outside, for tasks that wait for it and workflows that start because of it."""

from __future__ import annotations

from engine.api.models import Page
from engine.api.operations import Answer, Call, Operation
from engine.api.outside_models import Event, EventQuery, Publish, Published
from engine.api.paging import page

PREFIX = "/api/v1/events"
TAG = "events"


def publish(call: Call) -> Answer:
    """Publish an event; it is stored when this answers. One with the id of an earlier one changes nothing, and answers 200."""
    sent = call.sent(Publish)
    published, created = call.services.events.publish(sent.type, sent.body, id=sent.id, by=sent.by)
    return Answer(body=Published(id=published), status=202 if created else 200)


def listing(call: Call) -> Answer:
    """Events, newest first."""
    asked = call.asked(EventQuery)
    rows = call.services.event_store.list(type=asked.type, before=asked.before, limit=asked.limit)
    return page(call, Event, rows, asked)


OPERATIONS = (
    Operation(
        method="POST",
        path=PREFIX,
        id="publishEvent",
        summary="Publish an event",
        tag=TAG,
        handler=publish,
        body=Publish,
        answer=Published,
        status=202,
        alike=(200,),
    ),
    Operation(
        method="GET",
        path=PREFIX,
        id="listEvents",
        summary="List events",
        tag=TAG,
        handler=listing,
        query=EventQuery,
        answer=Page[Event],
    ),
)
