"""Slots, rate limits and kept outputs of a simulated instance: as the database has them, in memory."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.core.commands import Command, KeepOutputs, LookUpCache, ReleaseSlot, TakeSlot, TakeTurn
from engine.core.events import CacheAnswered, Event, SlotAnswered, TurnAnswered
from engine.core.keys import ROOT
from engine.core.values import Json

Answer = tuple[str, Event]
Place = tuple[str, str, int, bool]
"""A scope, a task, its attempt, and whether the whole instance wants the slot."""


@dataclass(slots=True)
class _Group:
    holders: set[tuple[str, str]] = field(default_factory=set)
    waiting: deque[Place] = field(default_factory=deque)
    starts: deque[int] = field(default_factory=deque)


class Gates:
    """Answers what a task asks for before its attempt starts. `cancel_running` within one instance queues."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._groups: dict[str, _Group] = defaultdict(_Group)
        self._kept: dict[tuple[str, str], tuple[int, Json]] = {}

    def answer(self, scope: str, command: Command) -> list[Answer]:
        """The answers to a command about gates; none to any other."""
        match command:
            case LookUpCache():
                return [(scope, self._look_up(command))]
            case KeepOutputs():
                self._kept[command.path, command.key] = (self._now(), command.outputs)
            case TakeSlot():
                return self._take(scope, command)
            case ReleaseSlot():
                return self._release(scope, command)
            case TakeTurn():
                return [(scope, self._turn(command))]
        return []

    def _look_up(self, command: LookUpCache) -> CacheAnswered:
        kept = self._kept.get((command.path, command.key))
        hit = kept is not None and (command.ttl is None or self._now() - kept[0] <= command.ttl)
        outputs = kept[1] if kept is not None and hit else None
        return CacheAnswered(task=command.task, attempt=command.attempt, hit=hit, outputs=outputs, at=self._now())

    def _take(self, scope: str, command: TakeSlot) -> list[Answer]:
        group = self._groups[command.group]
        place: Place = (scope, command.task, command.attempt, command.whole)
        if (scope, command.task) in group.holders or (
            ROOT,
            "",
        ) in group.holders:  # what stands within it is let through
            return [self._granted(place)]
        if len(group.holders) < command.limit:
            group.holders.add((scope, command.task))
            return [self._granted(place)]
        answer = "refused" if command.when_full == "reject" else "waiting"
        if answer == "waiting" and place not in group.waiting:
            group.waiting.append(place)
        return [
            (
                scope,
                SlotAnswered(
                    task=command.task,
                    attempt=command.attempt,
                    answer=answer,  # type: ignore[arg-type] # one of two words
                    whole=command.whole,
                    at=self._now(),
                ),
            )
        ]

    def _release(self, scope: str, command: ReleaseSlot) -> list[Answer]:
        group = self._groups[command.group]
        group.waiting = deque(place for place in group.waiting if place[:2] != (scope, command.task))
        if (scope, command.task) not in group.holders:
            return []
        group.holders.discard((scope, command.task))
        if not group.waiting:
            return []
        place = group.waiting.popleft()
        group.holders.add(place[:2])
        return [self._granted(place)]

    def _granted(self, place: Place) -> Answer:
        scope, task, attempt, whole = place
        return scope, SlotAnswered(task=task, attempt=attempt, answer="granted", whole=whole, at=self._now())

    def _turn(self, command: TakeTurn) -> TurnAnswered:
        starts = self._groups[command.group].starts
        due = self._now()
        if len(starts) >= command.limit:
            due = max(due, starts[-command.limit] + command.per)
        starts.append(due)
        return TurnAnswered(task=command.task, attempt=command.attempt, due=due, at=self._now())
