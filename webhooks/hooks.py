"""`POST /hooks/{source}`: nothing is believed before its signature, and nothing is answered 2xx before it is durable."""

from __future__ import annotations

import asyncio
import time

import orjson
import structlog
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uuid_utils import uuid7

from engine.app.ports import Secrets
from engine.app.project import ActiveProject
from engine.app.receive import Received, Receiver
from engine.app.recent import Fresh
from engine.app.records import NewDelivery
from engine.core.project import Project, WebhookSource
from engine.core.values import JsonObject
from engine.errors import Malformed, NotFound, Rejected, Unauthenticated, Unavailable
from engine.web.body import PATIENCE, read_body
from engine.web.endpoint import Endpoint
from webhooks.gathering import Gathering
from webhooks.metrics import Calls
from webhooks.problems import respond
from webhooks.providers.github import GitHub
from webhooks.providers.hmac import GenericHmac
from webhooks.providers.provider import Provider

PATH = "/hooks/{source}"

AT_ONCE = 64 * 1024
"""Bytes of a body that is verified between two other calls, some 50 microseconds. Larger ones gather by themselves:
to read one of 25 MiB takes a second, which nobody else should wait for."""

_NEVER_STORED = frozenset({"authorization", "proxy-authorization", "cookie"})
"""Headers that may hold credentials of somebody in between; the signature is left out as well."""

_log = structlog.get_logger(__name__)


class Hooks:
    """Takes webhook calls, and counts them with `calls`. `patience` in seconds for a whole body."""

    def __init__(
        self,
        *,
        project: ActiveProject,
        secrets: Secrets,
        receiver: Receiver,
        calls: Calls,
        patience: float = PATIENCE,
    ) -> None:
        self._project = project
        self._secrets = secrets
        self._signs: Fresh[bytes] = Fresh(64)
        self._small, self._large = Gathering(receiver), Gathering(receiver)
        self._reading: asyncio.Future[Project] | None = None
        self._patience = patience
        self._calls = calls

    def route(self) -> Route:
        """Where senders post to."""
        return Route(PATH, Endpoint(self._answered), methods=["POST"], name="hook")

    async def _answered(self, request: Request) -> Response:
        """The source, then the body within its bounds, then its signature; what has one joins the others that wait."""
        began, source, body = time.monotonic(), None, None
        try:
            source = await self._source(request.path_params["source"])
            body = await read_body(request, source.max_body, patience=self._patience)
            gathering = self._small if len(body) <= AT_ONCE else self._large
            received = await gathering.take(await self._verify(source, request.headers, body))
            answer = _answer(received)
        except (Rejected, Unavailable) as error:
            self._calls.refused(source, error)
            return respond(request, error, close=body is None)
        self._calls.taken(source, time.monotonic() - began, duplicate=received.duplicate)
        return Response(answer, 202, media_type="application/json")

    async def _source(self, name: str) -> WebhookSource:
        source = (self._project.fresh or await self._read_project()).webhooks.get(name)
        if source is None:
            raise NotFound("webhook source", name)
        return source

    async def _read_project(self) -> Project:
        """In a thread, once for all who want to know."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.ensure_future(asyncio.to_thread(self._project))
        return await asyncio.shield(self._reading)

    async def _verify(self, source: WebhookSource, headers: Headers, body: bytes) -> NewDelivery:
        """At once, as a thread would cost more than the sum over a small body; that over a large one holds up nobody."""
        if len(body) <= AT_ONCE:
            return self._verified(source, headers, body)
        return await asyncio.to_thread(self._verified, source, headers, body)

    def _verified(self, source: WebhookSource, headers: Headers, body: bytes) -> NewDelivery:
        provider = _provider(source)
        if not provider.genuine(headers, body, self._signing(source)):
            raise Unauthenticated("the signature is missing or wrong")
        call = provider.call(headers, body)
        return NewDelivery(
            id=str(uuid7()),
            source=source.name,
            provider=source.provider,
            event=call.event,
            headers=_kept(headers, source),
            body=body,
            keys=call.keys,
        )

    def _signing(self, source: WebhookSource) -> list[bytes]:
        """The secrets that sign now. One that is missing or empty signs nothing, and the log says so.

        They are believed for a moment: reading a file takes longer than verifying.
        """
        found = []
        for name in source.secrets:
            try:
                found.append(self._signs.get(name, self._read_secret))
            except NotFound as error:
                _log.error("webhook secret missing", source=source.name, error=str(error))
        return [secret for secret in found if secret]

    def _read_secret(self, name: str) -> bytes:
        return self._secrets.get(name).encode()


def _provider(source: WebhookSource) -> Provider:
    return GitHub() if source.provider == "github" else GenericHmac(source)


def _kept(headers: Headers, source: WebhookSource) -> JsonObject:
    """Names in lower case, as expressions read them; a header that came more than once is joined by commas (RFC 9110)."""
    left_out = _NEVER_STORED | {source.signature_header.lower()}
    kept: dict[str, str] = {}
    for name, value in headers.items():
        if name not in left_out and not name.startswith("x-hub-signature"):
            kept[name] = f"{kept[name]}, {value}" if name in kept else value
    return kept


def _answer(received: Received) -> bytes:
    """A repeat is answered with what the first call led to. Raises Malformed: its body could not be read."""
    result = received.result
    if result.state == "failed" and not result.verdicts:
        raise Malformed(result.reason)
    answer = {
        "delivery": result.id,
        "duplicate": received.duplicate,
        "instances": [
            {"workflow": verdict.workflow, "instance": verdict.instance}
            for verdict in result.verdicts
            if verdict.instance
        ],
        "verdicts": [{"workflow": verdict.workflow, "reason": verdict.reason} for verdict in result.verdicts],
        "reason": result.reason,
    }
    return orjson.dumps(answer)
