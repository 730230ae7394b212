"""Carries out what a batch asks at the gates, at its end and in the order of the groups, so that batches do not lock each other out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple, TypeAlias

from engine.app.gate_ports import SharedGates
from engine.app.records import Claim, SlotWish
from engine.core.commands import GoOn, LookUpCache, ReleaseSlot, TakeSlot, TakeTurn
from engine.core.events import (
    CacheAnswered,
    CancelRequested,
    Event,
    SlotAnswered,
    TaskResolved,
    TurnAnswered,
    to_json,
)
from engine.core.gates import BY
from engine.core.keys import ROOT, split_path, task_path
from engine.core.state import TaskError

Question: TypeAlias = LookUpCache | TakeSlot | ReleaseSlot | TakeTurn


class Asked(NamedTuple):
    """A question, and the instance and the scope that ask it."""

    instance: str
    scope: str
    question: Question


class Gatekeeper:
    """For one batch. `workflow` names that of an instance; `later` sends an event for a transaction of its own."""

    def __init__(self, workflow: Callable[[str], str], later: Callable[[GoOn], None]) -> None:
        self._workflow = workflow
        self._later = later
        self._asked: list[tuple[int, str, int, Asked]] = []
        """A heap by kind and group, of one group in the order in which it was asked."""
        self._number = count()

    def ask(self, instance: str, scope: str, question: Question) -> None:
        """Put it off until the batch has come to its end."""
        heappush(self._asked, (*_order(question), next(self._number), Asked(instance, scope, question)))

    def answers(self, gates: Callable[[], SharedGates], now: int) -> Iterator[tuple[str, str, Event]]:
        """The answers, until no questions are left. One that an answer leads to takes its own place among the others: after
        them, groups would be locked out of their order, and two batches could wait for each other.
        """
        while self._asked:
            *_, (instance, scope, question) = heappop(self._asked)
            event = self._answer(gates(), now, instance, scope, question)
            if event is not None:
                yield instance, scope, event

    def _answer(self, gates: SharedGates, now: int, instance: str, scope: str, question: Question) -> Event | None:
        match question:
            case LookUpCache(task=task, attempt=attempt):
                if question.afresh:
                    return CacheAnswered(task=task, attempt=attempt, hit=False)
                since = None if question.ttl is None else now - question.ttl
                hit, outputs = gates.look_up(self._workflow(instance), question.path, question.key, since)
                return CacheAnswered(task=task, attempt=attempt, hit=hit, outputs=outputs)
            case TakeTurn(task=task, attempt=attempt):
                due = gates.take_turn(question.group, question.limit, question.per, now)
                return TurnAnswered(task=task, attempt=attempt, due=due)
            case TakeSlot(task=task, attempt=attempt):
                claim = Claim(instance=instance, path=_path(scope, question), attempt=attempt)
                wish = SlotWish(group=question.group, limit=question.limit, when_full=question.when_full, claim=claim)
                verdict = gates.take_slot(wish, now)
                self._grant(verdict.granted)
                self._displace(question.group, verdict.displaced)
                return SlotAnswered(task=task, attempt=attempt, answer=verdict.answer, whole=question.whole)
            case ReleaseSlot():
                self._grant(gates.release_slot(question.group, instance, _path(scope, question)))
                return None

    def _grant(self, claims: Sequence[Claim]) -> None:
        for claim in claims:
            scope, task = split_path(claim.path)
            answer = SlotAnswered(task=task, attempt=claim.attempt, answer="granted", whole=not claim.path)
            self._tell(claim.instance, scope, answer)

    def _displace(self, group: str, claims: tuple[Claim, ...]) -> None:
        """Each hears of its attempt: a word that comes twice, or late, must not end what was retried since."""
        for claim in claims:
            if not claim.path:
                reason = f"a newer run in the group {group}"
                self._tell(claim.instance, ROOT, CancelRequested(by=BY, reason=reason, attempt=claim.attempt))
                continue
            scope, task = split_path(claim.path)
            error: TaskError = {"kind": "concurrency", "message": f"a newer task in the group {group} takes its place"}
            gone = TaskResolved(task=task, resolution="cancelled", by=BY, error=error, attempt=claim.attempt)
            self._tell(claim.instance, scope, gone)

    def _tell(self, instance: str, scope: str, event: Event) -> None:
        self._later(GoOn(instance=instance, scope=scope, event=to_json(event)))


def _path(scope: str, question: TakeSlot | ReleaseSlot) -> str:
    """Whose slot it is; "" is the instance."""
    return "" if question.whole else task_path(scope, question.task)


def _order(question: Question) -> tuple[int, str]:
    match question:
        case LookUpCache():
            return 0, ""
        case TakeTurn(group=group):
            return 2, group
        case TakeSlot(group=group) | ReleaseSlot(group=group):
            return 1, group
