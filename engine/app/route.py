"""Takes events to those they are for: tasks that wait for one, and workflows that start because of one.

An event and a wait find each other in either order. Whoever publishes an event stores it first and looks for waits then; a
task stores its wait first and has events looked at then: one of the two sees the other. Both may, for each event counts once
for an instance. An event stays unrouted until everybody was told, so the scheduler can finish what a crash began.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from threading import Event as Flag
from typing import TypeVar

import structlog

from engine.app.advance import Advancer
from engine.app.batch import Starting
from engine.app.event_ports import Event, EventStore, Wait
from engine.app.ports import DefinitionStore, InstanceReader
from engine.app.recent import Recent
from engine.app.records import Notification, Verdict
from engine.app.start import Starter
from engine.app.triggers import DEEPEST, Refusal, Triggers, rfc3339
from engine.app.versions import Version
from engine.core.commands import MatchEvent, RouteEvent
from engine.core.events import EventReceived, EventsLookedAt, to_json
from engine.core.expressions.codec import expression_from_json
from engine.core.expressions.errors import EvaluationError
from engine.core.expressions.evaluate import condition
from engine.core.keys import split_path
from engine.core.values import JsonObject
from engine.errors import Conflict, Malformed, NotFound, Unavailable

TRIES = 5
PAUSE = 1.0
"""Seconds between two tries while a database is away; afterwards the check of the task, or the scheduler, asks again."""

LEFT_BEHIND = 10_000
"""Milliseconds after which the scheduler takes up an event that nobody has routed."""

HOPELESS = 60_000
"""Milliseconds after which one that still cannot be routed is given up, for people to look at."""

BATCH = 100
"""Instances that hear of an event in one transaction."""

Answer = TypeVar("Answer")

_log = structlog.get_logger(__name__)


class Router:
    """Brings events and those who want them together. Safe to share between threads and processes."""

    def __init__(
        self,
        *,
        events: EventStore,
        definitions: DefinitionStore,
        reader: InstanceReader,
        starter: Starter,
        triggers: Triggers,
        advancer: Advancer,
        pause: float = PAUSE,
    ) -> None:
        self._events = events
        self._definitions = definitions
        self._reader = reader
        self._starter = starter
        self._triggers = triggers
        self._advancer = advancer
        self._pause = pause
        self._versions: Recent[Version] = Recent(256)

    def obey(self, command: RouteEvent, stop: Flag) -> None:
        """Route the event. While a database is away the event stays unrouted."""
        self._patiently(lambda: self.route(command.event), stop)

    def match(self, command: MatchEvent, stop: Flag) -> EventReceived | EventsLookedAt | None:
        """What a task that began to wait hears: an event that is there already, or that none is.

        None: it waits no more, or nothing can be said now.
        """
        return self._patiently(lambda: self._match(command), stop)

    def run_once(self) -> int:
        """Route what was left behind; returns how much that was. Runs in the scheduler that leads. Raises Unavailable."""
        left = self._events.unrouted(LEFT_BEHIND)
        hopeless = {event.id for event in self._events.unrouted(HOPELESS)} if left else set()
        for event in left:
            try:
                self.route(event.id)
            except Unavailable:
                raise
            except Exception:  # noqa: BLE001 - one that cannot be routed must not hold up the others
                _log.exception("an event left behind cannot be routed", event_id=event.id, type=event.type)
                if event.id in hopeless:
                    self._events.routed(
                        event.id, [Verdict(workflow="", reason="it could not be routed; the log says why")]
                    )
        return len(left)

    def route(self, id: str) -> None:
        """Tell everybody who waits for the event, then start what listens to it; repeating it changes nothing. Raises Unavailable."""
        try:
            event = self._events.get(id)
        except NotFound:  # pruned
            return
        if event.routed:
            return
        self._offer(event)
        self._events.routed(id, self._start(event))

    def _match(self, command: MatchEvent) -> EventReceived | EventsLookedAt | None:
        wait = self._events.wait(command.instance, command.path, command.attempt)
        if wait is None:
            return None
        for event in self._unused(wait):
            if _holds(wait, event):
                return _received(wait, event)
        return EventsLookedAt(task=split_path(wait.path)[1], attempt=wait.attempt)

    def _unused(self, wait: Wait) -> Iterator[Event]:
        found: Sequence[Event] = self._events.unused(wait)
        while found:
            yield from found
            found = self._events.unused(wait, after=found[-1])

    def _offer(self, event: Event) -> None:
        waits = self._events.waits(event)
        while waits:
            told = [_notification(wait, event) for wait in waits if _holds(wait, event)]
            for start in range(0, len(told), BATCH):
                self._submit(told[start : start + BATCH])
            waits = self._events.waits(event, after=waits[-1].key)

    def _submit(self, notifications: Sequence[Notification]) -> None:
        try:
            self._advancer.submit(notifications)
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - one instance that cannot go on must not keep the others from it
            if len(notifications) > 1:
                for notification in notifications:
                    self._submit([notification])
                return
            _log.exception("an event cannot be taken", instance=notifications[0].instance)

    def _start(self, event: Event) -> list[Verdict]:
        """What each workflow that listens makes of it."""
        verdicts = []
        for listener in self._definitions.listeners("event", event.type):
            key = f"event:{event.id}:{listener.workflow}"
            try:
                verdict = self._start_one(event, self._version(listener.version), key)
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 - as above
                _log.exception("what an event starts cannot be started", workflow=listener.workflow, event_id=event.id)
                verdict = Verdict(
                    workflow=listener.workflow, reason=Refusal.of(f"it could not be started: {error}").reason
                )
            verdicts.append(verdict)
        return verdicts

    def _start_one(self, event: Event, version: Version, key: str) -> Verdict:
        first = self._reader.by_start_key(key)
        if first is None:
            offered = self._wanted(event, version, key)
            if isinstance(offered, Refusal):
                return Verdict(workflow=version.workflow, reason=offered.reason)
            try:
                (started,) = self._starter.commit([offered])
            except Conflict:
                first = self._reader.by_start_key(key)
                if first is None:
                    raise
            else:
                return Verdict(workflow=version.workflow, instance=started, reason="started")
        return Verdict(workflow=version.workflow, instance=first.id, reason="started")

    def _wanted(self, event: Event, version: Version, key: str) -> Starting | Refusal:
        """One instance at most of a workflow: of its entries for this type, the first that takes the event."""
        if event.depth > DEEPEST:
            reason = f"it would be the {DEEPEST + 1}st of a chain of workflows that start one another"
            return Refusal.of(reason, fault=True)
        try:
            entries = self._triggers.definition(version).events
        except Malformed as error:
            return Refusal.of(error.detail, fault=True)
        refusals: list[Refusal] = []
        for entry in entries:
            if entry.type != event.type:
                continue
            answer = self._triggers.offer(
                version, entry, _trigger(event), by=event.by, start_key=key, depth=event.depth
            )
            if isinstance(answer, Starting):
                return answer
            refusals.append(answer)
        return Refusal.joined(refusals)

    def _version(self, id: str) -> Version:
        version = self._versions.get(id)
        if version is None:
            version = self._definitions.version(id)
            self._versions.put(id, version)
        return version

    def _patiently(self, act: Callable[[], Answer], stop: Flag) -> Answer | None:
        for _ in range(TRIES):
            try:
                return act()
            except Unavailable as error:
                _log.warning("an event waits", error=str(error))
                if stop.wait(self._pause):
                    break
        return None


def _holds(wait: Wait, event: Event) -> bool:
    """Whether a task takes the event; one whose condition cannot be evaluated does not."""
    if wait.match is None:
        return True
    try:
        return condition(expression_from_json(wait.match), {**wait.names, "event": _parts(event)})
    except EvaluationError as error:
        _log.warning(
            "`match` has no value",
            instance=wait.instance,
            task=wait.path,
            event_id=event.id,
            error=error.message,
            line=error.position.line if error.position else None,
        )
        return False
    except Exception:  # noqa: BLE001 - what one task wants must not keep the event from all others
        _log.exception("`match` cannot be evaluated", instance=wait.instance, task=wait.path, event_id=event.id)
        return False


def _received(wait: Wait, event: Event) -> EventReceived:
    return EventReceived(task=split_path(wait.path)[1], attempt=wait.attempt, event=_parts(event))


def _notification(wait: Wait, event: Event) -> Notification:
    scope, _ = split_path(wait.path)
    return Notification(instance=wait.instance, scope=scope, event=to_json(_received(wait, event)))


def _parts(event: Event) -> JsonObject:
    """What expressions and outputs see of an event."""
    return {
        "id": event.id,
        "type": event.type,
        "source": event.source,
        "body": event.body,
        "received_at": rfc3339(event.received_at),
    }


def _trigger(event: Event) -> JsonObject:
    return {
        "source": "event",
        "event": event.type,
        "headers": {},
        "body": event.body,
        "id": event.id,
        "received_at": rfc3339(event.received_at),
    }
