"""Webhook calls become stored deliveries, and those become instances: in groups, so that many cost little more than one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from engine.app.advance import Arriving
from engine.app.batch import Starting
from engine.app.delivery_ports import DeliveryStore, ended, received
from engine.app.group import separately, together
from engine.app.payload import parse
from engine.app.ports import DefinitionStore
from engine.app.project import ActiveProject
from engine.app.recent import Fresh
from engine.app.records import Delivery, DeliveryResult, DeliveryState, NewDelivery, Verdict
from engine.app.start import Starter
from engine.app.starters import started_by
from engine.app.triggers import Refusal, Triggers, rfc3339
from engine.app.versions import Version
from engine.core.model import WebhookTrigger
from engine.core.values import JsonObject
from engine.errors import Conflict, HeadraceError, Malformed, NotFound, Unavailable

PUSH = "push"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What came of a call; of a repeated one, what came of it the first time."""

    result: DeliveryResult
    duplicate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What one workflow makes of a delivery."""

    verdict: Verdict
    start: Starting | None = None
    fault: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decided:
    """What is to be committed for a delivery."""

    result: DeliveryResult
    starting: Sequence[Starting] = ()


class _Undecided(HeadraceError):
    """Of a call that nothing can be made of now, which must not keep it, or others, from being stored."""


class Receiver:
    """Stores calls, decides what they start and writes that once. Safe to share between threads and processes."""

    def __init__(
        self,
        *,
        definitions: DefinitionStore,
        deliveries: DeliveryStore,
        project: ActiveProject,
        starter: Starter,
        triggers: Triggers,
    ) -> None:
        self._definitions = definitions
        self._deliveries = deliveries
        self._project = project
        self._starter = starter
        self._triggers = triggers
        self._listening: Fresh[Sequence[Version]] = Fresh(256)

    def receive(self, calls: Sequence[NewDelivery]) -> Sequence[Received | Exception]:
        """Store verified calls with what they start: an answer for each, in their order.

        One that is an Exception was not taken, or is stored and left to the scheduler: its sender has to call again.
        """
        taken = self._at_once(calls)
        return self._one_after_the_other(calls) if taken is None else taken

    def _at_once(self, calls: Sequence[NewDelivery]) -> Sequence[Received | Exception] | None:
        """In one transaction with all that they lead to; None, and nothing is stored, if anything is in the way of that."""
        if _repeat_each_other(calls):
            return None
        results: list[DeliveryResult] = []

        def arriving(now: int) -> Arriving:
            decided = self._decide_all(calls, now, asked)
            results[:] = [one.result for one in decided]
            arrivals = [(call, ended(received(call, now), one)) for call, one in zip(calls, results, strict=True)]
            return Arriving(arrivals=arrivals, starting=[start for one in decided for start in one.starting])

        asked: set[str] = set()
        if any(isinstance(one, Exception) for one in separately(lambda call: self._ask_sync(call, asked), calls)):
            return None  # asked before the transaction, as SQLite has one writer
        try:
            self._starter.take(arriving)
        except Unavailable as error:
            return [error] * len(calls)
        except Exception:  # noqa: BLE001 - taken one after the other, they show which of them it is about
            return None
        self._tell(results)
        return [Received(result=result, duplicate=False) for result in results]

    def _decide_all(self, calls: Sequence[NewDelivery], now: int, asked: set[str]) -> Sequence[_Decided]:
        found = separately(lambda call: self._decide(received(call, now), asked), calls)
        decided = [one for one in found if isinstance(one, _Decided)]
        if len(decided) < len(calls):
            raise _Undecided
        return decided

    def _one_after_the_other(self, calls: Sequence[NewDelivery]) -> Sequence[Received | Exception]:
        """Store them in one transaction, then `process` them."""
        stored = together(self._deliveries.receive, calls)
        new = {one.id: one for one in stored if isinstance(one, Delivery)}
        known = self._known({one for one in stored if isinstance(one, str) and one not in new})
        outcomes = {name: one for name, one in known.items() if not isinstance(one, Delivery)}
        taken = [*new.values(), *(one for one in known.values() if isinstance(one, Delivery))]
        outcomes |= zip((one.id for one in taken), self.process(taken), strict=True)
        return [_received(call, one, outcomes) for call, one in zip(calls, stored, strict=True)]

    def process(self, deliveries: Sequence[Delivery]) -> Sequence[DeliveryResult | Exception]:
        """Start every workflow that they are for and mark them, in one transaction; repeating it changes nothing.

        A body that is no JSON gives a result that is `failed` without verdicts. One whose outcome is an Exception stays
        `received`, and the scheduler comes back to it.
        """
        outcomes: dict[str, DeliveryResult | Exception] = {
            delivery.id: _stored(delivery) for delivery in deliveries if delivery.state != "received"
        }
        # In one order, so that whoever is at the same ones waits in one direction only.
        waiting = sorted((one for one in deliveries if one.id not in outcomes), key=lambda one: one.id)
        asked: set[str] = set()
        found = separately(lambda one: self._decide(one, asked), waiting)
        decided = dict(zip((one.id for one in waiting), found, strict=True))
        ready = [one for one in decided.values() if isinstance(one, _Decided)]
        outcomes |= {name: one for name, one in decided.items() if isinstance(one, Exception)}
        for one, committed in zip(ready, together(self._commit, ready), strict=True):
            outcomes[one.result.id] = self._settled(one, committed)
        self._tell(outcomes[one.result.id] for one in ready)
        return [outcomes[delivery.id] for delivery in deliveries]

    def give_up(self, delivery: Delivery, reason: str) -> None:
        """Mark a delivery that nothing can be made of. Raises Unavailable."""
        try:
            self._starter.commit([], deliveries=[DeliveryResult(id=delivery.id, state="failed", reason=reason)])
        except Conflict:  # somebody could make something of it after all
            return
        _log.error("delivery given up", delivery=delivery.id, source=delivery.source, reason=reason)

    def _known(self, ids: Collection[str]) -> Mapping[str, Delivery | DeliveryResult | Exception]:
        """What was stored before. Its keys may count for longer than it is kept."""
        names = sorted(ids)
        return dict(zip(names, separately(self._first, names), strict=True))

    def _first(self, id: str) -> Delivery | DeliveryResult:
        try:
            return self._deliveries.get(id)
        except NotFound:
            return DeliveryResult(id=id, state="ignored", reason="it came before, and is kept no more")

    def _commit(self, decided: Sequence[_Decided]) -> Sequence[DeliveryResult]:
        results = [one.result for one in decided]
        self._starter.commit([start for one in decided for start in one.starting], deliveries=results)
        return results

    def _settled(self, decided: _Decided, committed: DeliveryResult | Exception) -> DeliveryResult | Exception:
        """After a Conflict, what somebody else made of it."""
        if not isinstance(committed, Conflict):
            return committed
        [first] = separately(self._deliveries.get, [decided.result.id])
        if isinstance(first, Exception):
            return first
        return committed if first.state == "received" else _stored(first)

    def _tell(self, outcomes: Iterable[DeliveryResult | Exception]) -> None:
        """One line for all of them: each is kept, with its reasons, where people look it up."""
        states: Counter[str] = Counter(one.state for one in outcomes if isinstance(one, DeliveryResult))
        if states:
            _log.info("deliveries processed", **states)

    def _decide(self, delivery: Delivery, asked: set[str]) -> _Decided:
        try:
            body = parse(delivery.body, str(delivery.headers.get("content-type", "")))
        except Malformed as error:
            return _Decided(result=DeliveryResult(id=delivery.id, state="failed", reason=error.detail))
        if delivery.provider == "github" and delivery.event == "ping":
            return _Decided(result=DeliveryResult(id=delivery.id, state="ignored", reason="ping"))
        sync = self._ask_sync(delivery, asked)
        trigger: JsonObject = {
            "source": delivery.source,
            "event": delivery.event,
            "headers": delivery.headers,
            "body": body,
            "id": delivery.id,
            "received_at": rfc3339(delivery.received_at),
        }
        listening = self._listening.get(delivery.source, self._definitions.listening)
        outcomes = [self._offer(version, delivery, trigger) for version in listening]
        result = DeliveryResult(
            id=delivery.id,
            state=_state(outcomes),
            verdicts=tuple(outcome.verdict for outcome in outcomes),
            reason="" if outcomes else sync or "no workflow listens to this source",
        )
        return _Decided(result=result, starting=[outcome.start for outcome in outcomes if outcome.start])

    def _ask_sync(self, delivery: Delivery | NewDelivery, asked: set[str]) -> str:
        """A push to the repository that we follow has it looked at, before anything is said about the delivery.

        Once for a group: all of it is stored by then. `asked` are the sources that were.
        """
        live = self._project.read()
        if not live.source or live.project.sync_webhook != delivery.source or delivery.event not in {PUSH, ""}:
            return ""
        if live.source not in asked:
            self._definitions.request_sync(live.source)
            asked.add(live.source)
        return f"a sync of {live.source} was asked for"

    def _offer(self, version: Version, delivery: Delivery, trigger: JsonObject) -> _Outcome:
        """One instance at most for a workflow: of its triggers for this source, the first that takes the delivery."""
        refusals: list[Refusal] = []
        try:
            definition = self._triggers.definition(version)
        except Malformed as error:  # loaded by a newer engine: the others must not wait for it
            return _Outcome(verdict=Verdict(workflow=version.workflow, reason=error.detail), fault=True)
        for entry in definition.webhooks:
            if entry.source != delivery.source:
                continue
            answer = _not_its_event(entry, delivery) or self._triggers.offer(
                version,
                entry,
                trigger,
                by=started_by(delivery, trigger["body"]),
                start_key=f"delivery:{delivery.id}:{version.workflow}",
                delivery=delivery.id,
            )
            if isinstance(answer, Starting):
                verdict = Verdict(workflow=version.workflow, instance=answer.id, reason="started")
                return _Outcome(verdict=verdict, start=answer)
            refusals.append(answer)
        refusal = Refusal.joined(refusals)
        return _Outcome(verdict=Verdict(workflow=version.workflow, reason=refusal.reason), fault=refusal.fault)


def _repeat_each_other(calls: Sequence[NewDelivery]) -> bool:
    keys = [(call.source, key) for call in calls for key in dict(call.keys)]
    return len(set(keys)) < len(keys)


def _not_its_event(entry: WebhookTrigger, delivery: Delivery) -> Refusal | None:
    if not entry.events or delivery.event in entry.events:
        return None
    return Refusal.of(f"event {delivery.event!r} is not among: {', '.join(entry.events)}")


def _state(outcomes: Sequence[_Outcome]) -> DeliveryState:
    """`ignored`: no trigger took it; `failed`: one took it and could not start its workflow."""
    if any(outcome.start for outcome in outcomes):
        return "started"
    return "failed" if any(outcome.fault for outcome in outcomes) else "ignored"


def _stored(delivery: Delivery) -> DeliveryResult:
    return DeliveryResult(id=delivery.id, state=delivery.state, verdicts=delivery.verdicts, reason=delivery.reason)


def _received(
    call: NewDelivery, stored: Delivery | str | Exception, outcomes: Mapping[str, DeliveryResult | Exception]
) -> Received | Exception:
    if isinstance(stored, Exception):
        return stored
    name = stored if isinstance(stored, str) else stored.id
    outcome = outcomes[name]
    return outcome if isinstance(outcome, Exception) else Received(result=outcome, duplicate=name != call.id)
