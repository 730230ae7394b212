"""A stored delivery becomes instances: the same for the webhooks process and, after a crash, for the scheduler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from engine.app.batch import Starting
from engine.app.delivery_ports import DeliveryStore
from engine.app.payload import parse
from engine.app.ports import DefinitionStore
from engine.app.project import ActiveProject
from engine.app.records import Delivery, DeliveryResult, DeliveryState, Verdict
from engine.app.start import Starter
from engine.app.starters import started_by
from engine.app.triggers import Refusal, Triggers, rfc3339
from engine.app.versions import Version
from engine.core.model import WebhookTrigger
from engine.core.values import JsonObject
from engine.errors import Conflict, Malformed

PUSH = "push"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What one workflow makes of a delivery."""

    verdict: Verdict
    start: Starting | None = None
    fault: bool = False


class Receiver:
    """Decides what a delivery starts and writes that once. Safe to share between threads and processes."""

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

    def process(self, delivery: Delivery) -> DeliveryResult:
        """Start every workflow that the delivery is for and mark it, in one transaction; repeating it changes nothing.

        A body that is no JSON gives a result that is `failed` without verdicts. Raises Unavailable: then the delivery
        stays `received` and the scheduler comes back to it.
        """
        if delivery.state != "received":
            return _stored(delivery)
        result, starting = self._decide(delivery)
        try:
            self._starter.commit(starting, deliveries=[result])
        except Conflict:
            first = self._deliveries.get(delivery.id)
            if first.state == "received":
                raise
            return _stored(first)
        _log.info("delivery processed", delivery=delivery.id, source=delivery.source, state=result.state)
        return result

    def give_up(self, delivery: Delivery, reason: str) -> None:
        """Mark a delivery that nothing can be made of. Raises Unavailable."""
        try:
            self._starter.commit([], deliveries=[DeliveryResult(id=delivery.id, state="failed", reason=reason)])
        except Conflict:  # somebody could make something of it after all
            return
        _log.error("delivery given up", delivery=delivery.id, source=delivery.source, reason=reason)

    def _decide(self, delivery: Delivery) -> tuple[DeliveryResult, list[Starting]]:
        try:
            body = parse(delivery.body, str(delivery.headers.get("content-type", "")))
        except Malformed as error:
            return DeliveryResult(id=delivery.id, state="failed", reason=error.detail), []
        if delivery.provider == "github" and delivery.event == "ping":
            return DeliveryResult(id=delivery.id, state="ignored", reason="ping"), []
        asked = self._ask_sync(delivery)
        trigger: JsonObject = {
            "source": delivery.source,
            "event": delivery.event,
            "headers": delivery.headers,
            "body": body,
            "id": delivery.id,
            "received_at": rfc3339(delivery.received_at),
        }
        listening = self._definitions.listening(delivery.source)
        outcomes = [self._offer(version, delivery, trigger) for version in listening]
        result = DeliveryResult(
            id=delivery.id,
            state=_state(outcomes),
            verdicts=tuple(outcome.verdict for outcome in outcomes),
            reason="" if outcomes else asked or "no workflow listens to this source",
        )
        return result, [outcome.start for outcome in outcomes if outcome.start]

    def _ask_sync(self, delivery: Delivery) -> str:
        """A push to the repository that we follow has it looked at, before anything is said about the delivery."""
        live = self._project.read()
        if not live.source or live.project.sync_webhook != delivery.source or delivery.event not in {PUSH, ""}:
            return ""
        self._definitions.request_sync(live.source)
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
