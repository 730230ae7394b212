"""What receiving webhooks needs of the instances DB: the flight recorder of deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from engine.app.records import Delivery, DeliveryResult, NewDelivery


class DeliveryStore(Protocol):
    """The webhook flight recorder."""

    def receive(self, calls: Sequence[NewDelivery]) -> Sequence[Delivery | str]:
        """Store them durably as `received`. Each as it was stored if it is new, else the id of the delivery it repeats.

        Of two calls that have a key in common, the later one repeats the earlier. Raises Unavailable, Invalid (one of
        them cannot be stored); then which of them are stored is not known: give them again, they find themselves.
        """
        ...

    def get(self, id: str) -> Delivery:
        """Raises NotFound."""
        ...

    def list(
        self, *, source: str | None = None, state: str | None = None, before: str | None = None, limit: int = 50
    ) -> Sequence[Delivery]:
        """Newest first; `before` is the id of the last one seen."""
        ...


def received(call: NewDelivery, at: int) -> Delivery:
    """A call as it is stored, before anything is made of it. `at` in milliseconds."""
    return Delivery(
        id=call.id,
        source=call.source,
        provider=call.provider,
        event=call.event,
        headers=call.headers,
        body=call.body,
        state="received",
        reason="",
        verdicts=(),
        received_at=at,
    )


def ended(delivery: Delivery, result: DeliveryResult) -> Delivery:
    """The same, with what was made of it."""
    return replace(delivery, state=result.state, reason=result.reason, verdicts=result.verdicts)
