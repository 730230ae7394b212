"""What events from outside need to be kept: a port, and rows as the use cases see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.app.records import Message, Verdict
from engine.core.values import Json, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """Something that happened, as it is published. A second one with the same `id` is the first."""

    id: str
    type: str
    source: str
    """`api`, or the path of the task that emitted it after its instance: `INSTANCE/PATH`."""
    body: Json
    by: str
    """Who starts what starts because of it."""
    depth: int = 0
    """How many instances stand above those that start because of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A stored event. `received_at` in milliseconds; `routed` once everybody who waits or listens has been told: then
    `verdicts` has what each listening workflow made of it."""

    id: str
    type: str
    source: str
    body: Json
    received_at: int
    by: str
    depth: int
    routed: bool
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A task that waits for an event of this type. `match` and `names` as in `engine.core.effects.AwaitEvent`."""

    instance: str
    path: str
    attempt: int
    type: str
    since: int
    match: Json
    names: JsonObject

    @property
    def key(self) -> tuple[str, str, int]:
        """Its place among all waits."""
        return self.instance, self.path, self.attempt


class EventStore(Protocol):
    """Events, and the tasks that wait for them. Waits and what was used up are written by `Locked.record` alone."""

    def publish(self, event: NewEvent, message: Message) -> bool:
        """Store it, with the message that has it routed, in one transaction; False if there is one with its id already."""
        ...

    def get(self, id: str) -> Event:
        """Raises NotFound."""
        ...

    def list(self, *, type: str | None = None, before: str | None = None, limit: int = 50) -> Sequence[Event]:
        """Newest first; `before` is the id of the last one seen."""
        ...

    def waits(self, event: Event, *, after: tuple[str, str, int] | None = None, limit: int = 500) -> Sequence[Wait]:
        """Tasks that wait for events of this type, if it is not too old for them, in the order of their keys."""
        ...

    def wait(self, instance: str, path: str, attempt: int) -> Wait | None:
        """The wait of one attempt; None if it is over."""
        ...

    def unused(self, wait: Wait, *, after: Event | None = None, limit: int = 100) -> Sequence[Event]:
        """Events that a task could take, oldest first: of its type, not too old, not used up by its instance."""
        ...

    def unrouted(self, older_than: int, limit: int = 50) -> Sequence[Event]:
        """Events that nobody has routed for so many milliseconds: the message was lost, or whoever did it died."""
        ...

    def routed(self, id: str, verdicts: Sequence[Verdict]) -> None:
        """Everybody has been told."""
        ...
