"""What the API, the pages and the approval links are given to work with: stores to read, use cases to act."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from engine.app.approve import Approver
from engine.app.artifact_ports import ArtifactStore, Files
from engine.app.delivery_ports import DeliveryStore
from engine.app.event_ports import EventStore
from engine.app.events import Events
from engine.app.figures import Backlogs, QueueFigures
from engine.app.gate_ports import SlotGroups
from engine.app.log_ports import LogStore
from engine.app.ports import (
    ApprovalStore,
    DefinitionStore,
    InstanceReader,
    InstanceStore,
    Outbox,
    Signals,
)
from engine.app.resolve import Resolver
from engine.app.timetable import Timetable
from engine.app.value_ports import ValueStore
from engine.core.values import JsonObject


class Starter(Protocol):
    """Makes an instance of a workflow's active version."""

    def start(self, workflow: str, inputs: JsonObject, *, by: str, start_key: str | None = None) -> str:
        """The new instance's id; the same `start_key` gives the same id. Raises NotFound, Invalid."""
        ...


class Canceller(Protocol):
    """Asks an instance to end early."""

    def cancel(self, instance: str, *, by: str, reason: str = "") -> None:
        """Raises NotFound, Conflict (it has ended)."""
        ...


class Pauser(Protocol):
    """Holds an instance, and lets it go on."""

    def pause(self, instance: str, *, by: str, reason: str = "") -> None:
        """Raises NotFound, Conflict (it has ended, or is paused)."""
        ...

    def resume(self, instance: str, *, by: str) -> None:
        """Raises NotFound, Conflict (it is not paused)."""
        ...


class Retrier(Protocol):
    """Reopens an instance that has ended."""

    def retry(self, instance: str, *, by: str, tasks: Sequence[str] = (), newest: bool = False) -> None:
        """Raises NotFound (also of a task), Conflict (with reasons)."""
        ...


class LinkSender(Protocol):
    """Gives one person their own link to one approval, by mail or, under `dev`, by the log."""

    def send_link(self, approval: str, person: str) -> None:
        """Raises Forbidden (not among those asked), Unavailable (no way to reach them now)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Built once per process by `engine.bootstrap`. `checks` name what readiness needs; each raises Unavailable."""

    reader: InstanceReader
    instances: InstanceStore
    approvals: ApprovalStore
    deliveries: DeliveryStore
    definitions: DefinitionStore
    logs: LogStore
    values: ValueStore
    artifacts: ArtifactStore
    files: Files
    outbox: Outbox
    signals: Signals
    starter: Starter
    canceller: Canceller
    pauser: Pauser
    retrier: Retrier
    resolver: Resolver
    events: Events
    event_store: EventStore
    approver: Approver
    links: LinkSender
    timetable: Timetable
    slots: SlotGroups
    backlogs: Backlogs
    queue_figures: Callable[[], Sequence[QueueFigures]]
    """Every queue that is in use. Raises Unavailable."""
    ask_sync: Callable[[], None]
    """Wakes the sync worker, which then looks at the repository at once."""
    checks: Mapping[str, Callable[[], object]] = field(default_factory=dict)
