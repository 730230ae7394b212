"""The events of a simulation: those that came, who waits for one, and which an instance has used up."""

from __future__ import annotations

from dataclasses import dataclass

from engine.app.triggers import rfc3339
from engine.core.commands import AwaitEvent
from engine.core.expressions.codec import expression_from_json
from engine.core.expressions.errors import EvaluationError
from engine.core.expressions.evaluate import condition
from engine.core.values import Json, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An event that came at a time."""

    at: int
    parts: JsonObject
    """`id`, `type`, `source`, `body`, `received_at`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An event for the task of an instance that waits for it."""

    instance: str
    wait: AwaitEvent
    event: JsonObject


class Board:
    """Gives each event at most once to an instance."""

    def __init__(self) -> None:
        self._sent: list[Sent] = []
        self._ids: set[str] = set()
        self._waits: dict[tuple[str, str], AwaitEvent] = {}
        self._used: set[tuple[str, str]] = set()

    def wait(self, instance: str, wait: AwaitEvent) -> Match | None:
        """A task waits from now on; an event that came before, if there is one for it."""
        self._waits[instance, wait.path] = wait
        return next((match for sent in self._sent if (match := self._offer(instance, wait, sent))), None)

    def stop(self, instance: str, path: str) -> None:
        """A task waits no longer."""
        self._waits.pop((instance, path), None)

    def arrive(self, at: int, type_: str, body: Json, *, name: str = "", source: str = "test") -> list[Match]:
        """An event is there. Of every instance the first that waits for it takes it; a second one of the same name is none."""
        name = name or f"event-{len(self._sent) + 1}"
        if name in self._ids:
            return []
        self._ids.add(name)
        sent = Sent(at=at, parts=parts(at, type_, body, name=name, source=source))
        self._sent.append(sent)
        offered = [self._offer(instance, wait, sent) for (instance, _), wait in sorted(self._waits.items(), key=_place)]
        return [match for match in offered if match]

    def _offer(self, instance: str, wait: AwaitEvent, sent: Sent) -> Match | None:
        used = instance, sent.parts["id"]
        if sent.at < wait.since or used in self._used or not takes(wait, sent.parts):
            return None
        self._used.add(used)
        self.stop(instance, wait.path)
        return Match(instance=instance, wait=wait, event=sent.parts)


def _place(wait: tuple[tuple[str, str], AwaitEvent]) -> tuple[str, str]:
    """Those who wait are told in the order of their places, as the database has them."""
    return wait[0]


def parts(at: int, type_: str, body: Json, *, name: str, source: str) -> JsonObject:
    """What expressions and outputs see of an event."""
    return {"id": name, "type": type_, "source": source, "body": body, "received_at": rfc3339(at)}


def takes(wait: AwaitEvent, event: JsonObject) -> bool:
    """Whether a task waits for this one. A `match` that has no value for it does not take it."""
    if event["type"] != wait.event:
        return False
    if wait.match is None:
        return True
    try:
        return condition(expression_from_json(wait.match), {**wait.names, "event": event})
    except EvaluationError:
        return False
