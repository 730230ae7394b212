"""The kind `emit`: publishes an event, once for a task however often it is tried."""

from __future__ import annotations

from typing import Protocol

from engine.adapters.kinds.params import read
from engine.app.insist import insist
from engine.app.kinds import Call, misused
from engine.core.values import Json, JsonObject
from engine.errors import Rejected
from engine.spec.kinds import EmitParams


class Emits(Protocol):
    """`engine.app.events.Events`."""

    def emit(self, instance: str, path: str, type: str, body: Json, *, id: str) -> str:
        """Store an event durably and return its id."""
        ...


class Emit:
    """Takes `type`, `body`, from which secrets are taken out, and `id`, by default the task's idempotency key."""

    def __init__(self, events: Emits) -> None:
        self._events = events

    def run(self, call: Call) -> JsonObject:
        """Raises Failed: `config`; Stopped; Unavailable once the database has been away for a minute."""
        params = read(EmitParams, call)
        name, body = params.id or call.idempotency_key, call.mask(params.body)
        try:
            published = insist(
                lambda: self._events.emit(call.instance, call.path, params.type, body, id=name), call.stop
            )
        except Rejected as error:
            problems = "; ".join(f"{problem.pointer}: {problem.detail}" for problem in error.problems)
            raise misused(f"{error.detail}: {problems}" if problems else error.detail) from None
        return {"id": published}
