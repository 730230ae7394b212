"""How the instance of a case comes to be: by hand, with inputs, or by what an entry of `on` makes of something that happened."""

from __future__ import annotations

from collections.abc import Iterator

from engine.app.triggers import Refusal, inputs_of, rfc3339
from engine.core.model import Definition, EventTrigger, ScheduleTrigger, WebhookTrigger, WorkflowTrigger
from engine.core.values import Json, JsonObject
from engine.simulate.mocks import Unmocked
from engine.spec.case_models import CaseKeys, TriggerKeys

Entry = WebhookTrigger | EventTrigger | ScheduleTrigger | WorkflowTrigger


class Refused(Exception):
    """Why a trigger starts nothing."""


def started(definition: Definition, case: CaseKeys, now: int) -> tuple[JsonObject, JsonObject]:
    """The inputs and the trigger that the instance starts with. Raises Refused, and Unmocked: the case makes no sense."""
    if case.trigger is None:
        return dict(case.inputs), {}
    reasons = []
    for entry, trigger in _offers(definition, case.trigger, now):
        inputs = inputs_of(entry, trigger, definition.vars)
        if not isinstance(inputs, Refusal):
            return {**inputs, **case.inputs}, trigger
        reasons.append(inputs.reason)
    raise Refused("; ".join(dict.fromkeys(reasons)) or "no trigger takes it")


def _offers(definition: Definition, sent: TriggerKeys, now: int) -> Iterator[tuple[Entry, JsonObject]]:
    """The entries that could take what was sent, and what each would see."""
    for webhook in definition.webhooks:
        if webhook.source == sent.source and (not webhook.events or sent.event in webhook.events):
            yield webhook, _trigger(sent, sent.event, {} if sent.body is None else sent.body, now)
    match sent.source:
        case "event":
            trigger = _trigger(sent, sent.event, sent.body, now)
            yield from ((entry, trigger) for entry in definition.events if entry.type == sent.event)
        case "schedule":
            yield from _scheduled(definition, sent, now)
        case "workflow":
            yield from _after(definition, sent, now)


def _scheduled(definition: Definition, sent: TriggerKeys, now: int) -> Iterator[tuple[Entry, JsonObject]]:
    for entry in definition.schedules:
        if sent.event in ("", entry.cron):
            yield entry, {**_trigger(sent, entry.cron, {}, now), "scheduled_at": sent.scheduled_at or rfc3339(now)}


def _after(definition: Definition, sent: TriggerKeys, now: int) -> Iterator[tuple[Entry, JsonObject]]:
    body = _map(sent.body)
    for entry in definition.workflows:
        usual = "succeeded" if entry.outcome == "done" else entry.outcome
        end = sent.event or str(body.get("state", usual))
        if body.get("workflow", entry.name) == entry.name and entry.outcome in ("done", end):
            yield entry, _trigger(sent, end, _ended(body, entry.name, end), now)


def _trigger(sent: TriggerKeys, event: str, body: Json, now: int) -> JsonObject:
    return {
        "source": sent.source,
        "event": event,
        "headers": {name.lower(): value for name, value in sent.headers.items()},
        "body": body,
        "id": "test",
        "received_at": rfc3339(now),
    }


def _ended(body: JsonObject, name: str, end: str) -> JsonObject:
    """What is told of an instance that has ended, where the case does not say otherwise."""
    told: JsonObject = {"workflow": name, "instance": "test-before", "state": end, "outcome": end}
    return {**told, "outputs": {} if end == "succeeded" else None, "error": None, "inputs": {}, **body}


def _map(body: Json) -> JsonObject:
    if body is not None and not isinstance(body, dict):
        raise Unmocked("the `body` of a trigger with `source: workflow` is a map")
    return body or {}
