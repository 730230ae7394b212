"""Any sender that puts a hex HMAC-SHA256 of the raw body into a header; project.yaml says into which."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers

from engine.core.project import WebhookSource
from webhooks.providers.provider import ID_HOURS, Call, body_key, single, word
from webhooks.signatures import signed


class GenericHmac:
    """Implements `Provider` for one source's headers."""

    def __init__(self, source: WebhookSource) -> None:
        self._source = source

    def genuine(self, headers: Headers, body: bytes, secrets: Sequence[bytes]) -> bool:
        """See `Provider`."""
        given = single(headers, self._source.signature_header)
        return given is not None and signed(body, given, secrets, prefix=self._source.prefix.encode())

    def call(self, headers: Headers, body: bytes) -> Call:
        """See `Provider`. The sender's id tells repeats; without one the same event and body count once a day."""
        event, delivery = word(headers, self._source.event_header), word(headers, self._source.id_header)
        key = (f"id:{delivery}", ID_HOURS) if delivery else body_key(event, body)
        return Call(event=event, keys=(key,))
