"""Starts the one instance of a run: with inputs as given, or with what a trigger's entry makes of a body."""

from __future__ import annotations

from collections.abc import Iterator

from uuid_utils import uuid7

from engine.app.start import Starter
from engine.app.triggers import Refusal, inputs_of, rfc3339
from engine.cli.local.files import Runnable
from engine.core.model import Definition, EventTrigger, WebhookTrigger
from engine.core.values import Json, JsonObject
from engine.errors import Rejected


def start(
    starter: Starter, runnable: Runnable, inputs: JsonObject, *, by: str, now: int, body: tuple[Json] | None
) -> str:
    """The instance's id. `body` is a trigger's, if there is one: of the workflow's entries the first that takes it counts.

    Raises Invalid (the inputs, a check), Rejected (no entry takes the body).
    """
    trigger: JsonObject = {}
    if body is not None:
        trigger, made = _triggered(runnable, body[0], now)
        inputs = {**made, **inputs}
    prepared = starter.prepare(runnable.versions[0], inputs=inputs, trigger=trigger, by=by)
    return starter.commit([prepared])[0]


def _triggered(runnable: Runnable, body: Json, now: int) -> tuple[JsonObject, JsonObject]:
    """The trigger as expressions see it, and the inputs that the workflow's entry makes of it."""
    definition = runnable.trigger
    common: JsonObject = {"headers": {}, "body": body, "id": str(uuid7()), "received_at": rfc3339(now)}
    refusals = []
    for entry, said in _entries(definition):
        trigger = {**said, **common}
        made = inputs_of(entry, trigger, definition.vars, file=runnable.versions[0].path)
        if not isinstance(made, Refusal):
            return trigger, made
        refusals.append(made)
    if refusals:
        raise Rejected(f"{definition.name} does not take what --trigger gives: {Refusal.joined(refusals).reason}")
    return {"source": "", "event": "", **common}, {}


def _entries(definition: Definition) -> Iterator[tuple[WebhookTrigger | EventTrigger, JsonObject]]:
    """Each entry that reads a body, with each kind of event that it takes."""
    for webhook in definition.webhooks:
        for event in webhook.events or ("",):
            yield webhook, {"source": webhook.source, "event": event}
    for entry in definition.events:
        yield entry, {"source": "api", "event": entry.type}
