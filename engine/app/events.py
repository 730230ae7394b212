"""Publishes events: what happened outside, or what a task has to say. Durable before it is said, and once for an id."""

from __future__ import annotations

from dataclasses import replace

from uuid_utils import uuid7

from engine.app.advance import Advancer
from engine.app.event_ports import EventStore, NewEvent
from engine.app.ports import InstanceStore
from engine.app.records import Message
from engine.app.storable import unstorable
from engine.core.commands import RouteEvent, message_of
from engine.core.event_tasks import LONGEST
from engine.core.outputs import LIMIT, too_large
from engine.core.values import Json
from engine.errors import Invalid, NotFound, Problem

API = "api"
"""The source of what comes from outside."""

DERIVED = 2_000
"""Bytes of an id that a task gives, which may be its path: it is the key of a row."""


class Events:
    """Takes events in. Safe to share between threads."""

    def __init__(self, *, events: EventStore, store: InstanceStore, advancer: Advancer) -> None:
        self._events = events
        self._store = store
        self._advancer = advancer

    def publish(self, type: str, body: Json = None, *, id: str | None = None, by: str = API) -> tuple[str, bool]:
        """An event from outside: its id, and whether it is a new one. The same `id` again is the event that has it already.

        Raises Invalid, Unavailable.
        """
        return self._publish(NewEvent(id=id or str(uuid7()), type=type, source=API, body=body, by=by))

    def emit(self, instance: str, path: str, type: str, body: Json, *, id: str) -> str:
        """An event that a task emits. What starts because of it counts as started by whoever started the task's instance.

        Raises Invalid, Unavailable.
        """
        event = NewEvent(id=id, type=type, source=f"{instance}/{path}", body=body, by=API)
        try:
            above = self._store.facts(instance)
        except NotFound:  # pruned: nobody waits for the task's outcome any more
            return id
        return self._publish(replace(event, by=above.started_by, depth=above.depth + 1))[0]

    def _publish(self, event: NewEvent) -> tuple[str, bool]:
        _refuse(event)
        route = RouteEvent(event=event.id)
        message = Message(queue=route.queue, body=message_of(route), id=str(uuid7()))
        created = self._events.publish(event, message)
        if created:
            self._advancer.send([message])
        return event.id, created


def _refuse(event: NewEvent) -> None:
    """What could not be kept, or not be handed on as the outputs of a task. Raises Invalid."""
    problems = []
    if not 0 < len(event.type) <= LONGEST:
        problems.append(Problem(pointer="/type", detail=f"not 1 to {LONGEST} characters"))
    if event.source == API and not 0 < len(event.id) <= LONGEST:
        problems.append(Problem(pointer="/id", detail=f"not 1 to {LONGEST} characters"))
    elif not 0 < len(event.id.encode(errors="surrogatepass")) <= DERIVED:
        problems.append(Problem(pointer="/id", detail=f"not 1 to {DERIVED} bytes"))
    for name, value in (("type", event.type), ("id", event.id), ("body", event.body)):
        found = unstorable(value, f"/{name}")
        if found:
            problems.append(Problem(pointer=found[0], detail=found[1]))
    if not problems:
        parts = {"id": event.id, "type": event.type, "source": event.source, "body": event.body}
        if too_large({**parts, "received_at": "2030-01-01T00:00:00.000Z"}):
            problems.append(
                Problem(pointer="/body", detail=f"the event is larger than the {LIMIT} bytes that can be kept")
            )
    if problems:
        raise Invalid("the event does not fit", problems=problems)
