"""A stored delivery becomes instances: the same for the webhooks process and, after a crash, for the scheduler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from engine.app.batch import Starting
from engine.app.payload import parse
from engine.app.ports import DefinitionStore, DeliveryStore
from engine.app.project import ActiveProject
from engine.app.recent import Recent
from engine.app.records import Delivery, DeliveryResult, DeliveryState, Verdict
from engine.app.start import Starter
from engine.app.starters import started_by
from engine.app.versions import Version
from engine.core.codec import definition_from_json
from engine.core.expressions.errors import EvaluationError
from engine.core.expressions.evaluate import condition
from engine.core.expressions.render import render
from engine.core.model import Definition, WebhookTrigger
from engine.core.values import JsonObject
from engine.errors import Conflict, Invalid, Malformed

PUSH = "push"

_log = structlog.get_logger(__name__)


LONGEST_REASON = 500
"""Characters of a verdict's reason: a value that does not fit may be as large as the body."""


class _Refusal(Exception):
    """Why one trigger does not start its workflow; `fault` means that it took the delivery and could not."""

    def __init__(self, reason: str, *, fault: bool = False) -> None:
        self.reason = reason if len(reason) <= LONGEST_REASON else reason[: LONGEST_REASON - 1] + "…"
        self.fault = fault
        super().__init__(reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What one workflow makes of a delivery."""

    verdict: Verdict
    start: Starting | None = None
    fault: bool = False


class Receiver:
    """Decides what a delivery starts and writes that once. Safe to share between threads and processes."""

    def __init__(
        self, *, definitions: DefinitionStore, deliveries: DeliveryStore, project: ActiveProject, starter: Starter
    ) -> None:
        self._definitions = definitions
        self._deliveries = deliveries
        self._project = project
        self._starter = starter
        self._compiled: Recent[Definition] = Recent(256)

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
            "received_at": _rfc3339(delivery.received_at),
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
        refusals: list[_Refusal] = []
        try:
            definition = self._definition(version)
        except Malformed as error:  # loaded by a newer engine: the others must not wait for it
            return _Outcome(verdict=Verdict(workflow=version.workflow, reason=error.detail), fault=True)
        for entry in definition.webhooks:
            if entry.source != delivery.source:
                continue
            try:
                inputs = _inputs(entry, definition, trigger, version.path)
                start = self._prepare(version, inputs, delivery, trigger)
            except _Refusal as refusal:
                refusals.append(refusal)
            else:
                return _Outcome(
                    verdict=Verdict(workflow=version.workflow, instance=start.id, reason="started"), start=start
                )
        reason = "; ".join(dict.fromkeys(refusal.reason for refusal in refusals))
        return _Outcome(
            verdict=Verdict(workflow=version.workflow, reason=reason), fault=any(refusal.fault for refusal in refusals)
        )

    def _prepare(self, version: Version, inputs: JsonObject, delivery: Delivery, trigger: JsonObject) -> Starting:
        try:
            return self._starter.prepare(
                version,
                inputs=inputs,
                trigger=trigger,
                by=started_by(delivery, trigger["body"]),
                start_key=f"delivery:{delivery.id}:{version.workflow}",
                delivery=delivery.id,
            )
        except Invalid as error:
            details = "; ".join(f"{problem.pointer or '/'}: {problem.detail}" for problem in error.problems)
            raise _Refusal(f"{error.detail}: {details}" if details else error.detail, fault=True) from None

    def _definition(self, version: Version) -> Definition:
        definition = self._compiled.get(version.digest)
        if definition is None:
            definition = definition_from_json(version.document)
            self._compiled.put(version.digest, definition)
        return definition


def _inputs(entry: WebhookTrigger, definition: Definition, trigger: JsonObject, path: str) -> JsonObject:
    """What a trigger makes of a delivery. Raises _Refusal: not its event, its condition is false, no value."""
    if entry.events and trigger["event"] not in entry.events:
        raise _Refusal(f"event {trigger['event']!r} is not among: {', '.join(entry.events)}")
    names = {"trigger": trigger, "vars": definition.vars}
    try:
        if entry.condition is not None and not condition(entry.condition, names):
            raise _Refusal(f"condition is false: {entry.condition.source}")
        inputs = render(entry.inputs, names)
    except EvaluationError as error:
        at = f"{path}:{error.position.line}:{error.position.column}: " if error.position else ""
        raise _Refusal(f"{at}an expression has no value: {error.message}", fault=True) from None
    if not isinstance(inputs, dict):
        raise _Refusal("the inputs of the trigger are no map", fault=True)
    return inputs


def _state(outcomes: Sequence[_Outcome]) -> DeliveryState:
    """`ignored`: no trigger took it; `failed`: one took it and could not start its workflow."""
    if any(outcome.start for outcome in outcomes):
        return "started"
    return "failed" if any(outcome.fault for outcome in outcomes) else "ignored"


def _stored(delivery: Delivery) -> DeliveryResult:
    return DeliveryResult(id=delivery.id, state=delivery.state, verdicts=delivery.verdicts, reason=delivery.reason)


def _rfc3339(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
    return moment.replace("+00:00", "Z")
