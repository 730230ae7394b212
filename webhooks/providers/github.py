"""GitHub's webhooks, https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers

from webhooks.providers.provider import ID_HOURS, Call, body_key, single, word
from webhooks.signatures import signed

SIGNATURE = "X-Hub-Signature-256"
EVENT = "X-GitHub-Event"
DELIVERY = "X-GitHub-Delivery"


class GitHub:
    """Implements `Provider`. A redelivery keeps its id; GitHub signs the body alone, without a time."""

    def genuine(self, headers: Headers, body: bytes, secrets: Sequence[bytes]) -> bool:
        """See `Provider`."""
        given = single(headers, SIGNATURE)
        return given is not None and signed(body, given, secrets, prefix=b"sha256=")

    def call(self, headers: Headers, body: bytes) -> Call:
        """See `Provider`. Both the id and (event, body) are remembered."""
        event, delivery = word(headers, EVENT), word(headers, DELIVERY)
        named = ((f"id:{delivery}", ID_HOURS),) if delivery else ()
        return Call(event=event, keys=(*named, body_key(event, body)))
