"""What people and programs read in memory: instances, approvals, deliveries, events, values, definitions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from engine.adapters.databases.documents import dump, load
from engine.adapters.databases.timers import PUBLISH_AFTER
from engine.app.delivery_ports import received
from engine.app.event_ports import Event, NewEvent, Wait
from engine.app.records import Approval, Delivery, HistoryRow, Instance, Message, NewDelivery, Verdict
from engine.app.versions import Listener, ListenerKind, ProjectVersion, Version
from engine.core.keys import FINALLY
from engine.core.state import ScopeState
from engine.core.values import Json
from engine.errors import NotFound, TooLarge
from tests.simulation.definitions import parse
from tests.simulation.memory.tables import InstanceRow, OutRow, Tables

HOUR = 3_600_000


class MemoryReader:
    """Implements what is used of `engine.app.ports.InstanceReader`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def get(self, id: str) -> Instance:
        row = self._tables.instances.get(id)
        if row is None:
            raise NotFound("instance", id)
        return _instance(row)

    def by_start_key(self, key: str) -> Instance | None:
        found = self._tables.start_keys.get(key)
        return None if found is None else self.get(found)

    def list(self, *, workflow: str | None = None, limit: int = 50) -> Sequence[Instance]:
        rows = [row for row in self._tables.instances.values() if workflow in (None, row.facts.workflow)]
        return [_instance(row) for row in reversed(rows)][:limit]

    def scopes(self, id: str, *, limit: int | None = None) -> Mapping[str, ScopeState]:
        rows = self._tables.scopes.get(id, {})
        paths = sorted(rows)[:limit]
        if len(paths) == limit and FINALLY in rows and FINALLY not in paths:
            paths.append(FINALLY)
        return {path: load(rows[path].state) for path in paths}

    def scopes_at(self, id: str, paths: Collection[str]) -> Mapping[str, ScopeState]:
        return {path: state for path, state in self.scopes(id).items() if path in paths}

    def scope(self, id: str, path: str) -> ScopeState | None:
        return self.scopes(id).get(path)

    def history(self, id: str, *, after: int = 0, limit: int = 500, scope: str | None = None) -> Sequence[HistoryRow]:
        rows = self._tables.history.get(id, [])
        found = [(row, text) for row, text in rows if row.seq > after and scope in (None, row.scope)]
        return [
            HistoryRow(
                instance=row.instance,
                seq=row.seq,
                scope=row.scope,
                event=load(text),
                accepted=row.accepted,
                at=row.at,
            )
            for row, text in found[:limit]
        ]


def _instance(row: InstanceRow) -> Instance:
    facts = row.facts
    return Instance(
        id=row.id,
        workflow=facts.workflow,
        version=row.version,
        digest=row.digest,
        commit=row.commit,
        state=row.state,  # type: ignore[arg-type]
        inputs=facts.inputs,
        trigger=facts.trigger,
        outputs=None if row.outputs is None else load(row.outputs),
        error=None if row.error is None else load(row.error),
        started_by=facts.started_by,
        started_at=facts.started_at,
        finished_at=row.finished_at,
        delivery=row.delivery,
        depth=facts.depth,
        parent=facts.parent,
    )


class MemoryApprovals:
    """Implements what is used of `engine.app.ports.ApprovalStore`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def get(self, id: str) -> Approval:
        row = self._tables.approvals.get(id)
        if row is None:
            raise NotFound("approval", id)
        decisions = sorted(row.decisions.values(), key=lambda made: (made.at, made.person))
        return Approval(**row.values, decisions=tuple(decisions))

    def at(self, instance: str, path: str, attempt: int | None = None) -> Approval:
        found = [
            (key[2], name)
            for key, name in self._tables.approval_of.items()
            if key[:2] == (instance, path) and attempt in (None, key[2])
        ]
        if not found:
            raise NotFound("approval", f"{instance}/{path}")
        return self.get(max(found)[1])

    def list(self, *, state: str | None = "open", instance: str | None = None, limit: int = 50) -> Sequence[Approval]:
        found = [self.get(name) for name in reversed(self._tables.approvals)]
        return [one for one in found if state in (None, one.state) and instance in (None, one.instance)][:limit]

    def add_token(self, approval: str, person: str, token_hash: str) -> None:
        self._tables.tokens.setdefault(token_hash, (approval, person))

    def by_token(self, token_hash: str) -> tuple[Approval, str] | None:
        found = self._tables.tokens.get(token_hash)
        return None if found is None else (self.get(found[0]), found[1])


class MemoryDeliveries:
    """Implements what is used of `engine.app.delivery_ports.DeliveryStore`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def receive(self, calls: Sequence[NewDelivery]) -> Sequence[Delivery | str]:
        for call in calls:
            dump(call.headers)
        return [self._receive(call) for call in calls]

    def _receive(self, delivery: NewDelivery) -> Delivery | str:
        now = self._tables.now()
        for key, _ in sorted(delivery.keys):
            holder = self._tables.delivery_keys.get((delivery.source, key))
            if holder is not None and holder[1] > now:
                return holder[0]
        for key, hours in delivery.keys:
            self._tables.delivery_keys[delivery.source, key] = delivery.id, now + hours * HOUR
        stored = self._tables.deliveries[delivery.id] = received(delivery, now)
        return stored

    def get(self, id: str) -> Delivery:
        if id not in self._tables.deliveries:
            raise NotFound("delivery", id)
        return self._tables.deliveries[id]


class MemoryEvents:
    """Implements what is used of `engine.app.event_ports.EventStore`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def publish(self, event: NewEvent, message: Message) -> bool:
        if event.id in self._tables.events:
            return False
        now = self._tables.now()
        self._tables.events[event.id] = Event(
            id=event.id,
            type=event.type,
            source=event.source,
            body=load(dump(event.body)),
            received_at=now,
            by=event.by,
            depth=event.depth,
            routed=False,
        )
        row = OutRow(message.queue, dump(message.body), now + PUBLISH_AFTER)
        self._tables.outbox[message.id or self._tables.draw()] = row
        return True

    def get(self, id: str) -> Event:
        if id not in self._tables.events:
            raise NotFound("event", id)
        return self._tables.events[id]

    def waits(self, event: Event, *, after: tuple[str, str, int] | None = None, limit: int = 500) -> Sequence[Wait]:
        found = [
            wait
            for key, wait in sorted(self._tables.event_waits.items())
            if wait.type == event.type and wait.since <= event.received_at and (after is None or key > after)
        ]
        return found[:limit]

    def wait(self, instance: str, path: str, attempt: int) -> Wait | None:
        return self._tables.event_waits.get((instance, path, attempt))

    def unused(self, wait: Wait, *, after: Event | None = None, limit: int = 100) -> Sequence[Event]:
        found = [
            event
            for event in sorted(self._tables.events.values(), key=_moment)
            if event.type == wait.type
            and event.received_at >= wait.since
            and (wait.instance, event.id) not in self._tables.receipts
            and (after is None or _moment(event) > _moment(after))
        ]
        return found[:limit]

    def unrouted(self, older_than: int, limit: int = 50) -> Sequence[Event]:
        before = self._tables.now() - older_than
        left = [event for event in self._tables.events.values() if not event.routed and event.received_at <= before]
        return sorted(left, key=lambda event: event.received_at)[:limit]

    def routed(self, id: str, verdicts: Sequence[Verdict]) -> None:
        if id in self._tables.events:
            self._tables.events[id] = replace(self._tables.events[id], routed=True, verdicts=tuple(verdicts))


def _moment(event: Event) -> tuple[int, str]:
    return event.received_at, event.id


class MemoryValues:
    """Implements `engine.app.value_ports.ValueStore`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def put(self, instance: str, values: Mapping[str, Json], *, most: int) -> None:
        texts = {(instance, digest): dump(value) for digest, value in values.items()}
        mine = {key: text for key, text in self._tables.values.items() if key[0] == instance} | texts
        if sum(len(text) for text in mine.values()) > most:
            raise TooLarge("what the instance has of large outputs", most)
        for key, text in texts.items():
            self._tables.values.setdefault(key, text)

    def get(self, instance: str, digests: Sequence[str]) -> Mapping[str, Json]:
        found = {digest: self._tables.values.get((instance, digest)) for digest in digests}
        return {digest: load(text) for digest, text in found.items() if text is not None}


class MemoryDefinitions:
    """Implements what is used of `engine.app.ports.DefinitionStore`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def load(self, versions: Sequence[Version], project: ProjectVersion) -> None:
        """These become the active ones."""
        for version in versions:
            self._tables.versions[version.id] = version
            self._tables.active[version.workflow] = version.id
        self._tables.project = project

    def active(self, workflow: str) -> Version:
        if workflow not in self._tables.active:
            raise NotFound("workflow", workflow)
        return self._tables.versions[self._tables.active[workflow]]

    def version(self, id: str) -> Version:
        if id not in self._tables.versions:
            raise NotFound("version", id)
        return self._tables.versions[id]

    def listening(self, webhook: str) -> Sequence[Version]:
        versions = [self.active(name) for name in sorted(self._tables.active)]
        return [
            one for one in versions if any(entry["source"] == webhook for entry in one.document.get("webhooks", ()))
        ]

    def listeners(self, kind: ListenerKind, name: str | None = None) -> Sequence[Listener]:
        found = []
        for workflow in sorted(self._tables.active):
            version = self.active(workflow)
            heard = [one for one in _names(version, kind) if name in (None, one)]
            found += [Listener(name=one, workflow=workflow, version=version.id) for one in heard]
        return found

    def project(self) -> ProjectVersion | None:
        return self._tables.project


def _names(version: Version, kind: ListenerKind) -> Sequence[str]:
    field = {"schedule": "schedules", "event": "events", "workflow": "workflows"}[kind]
    if field not in version.document:
        return ()
    entries = getattr(parse(version.document), field)
    return sorted({"" if kind == "schedule" else entry.type if kind == "event" else entry.name for entry in entries})
