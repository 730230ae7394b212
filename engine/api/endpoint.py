"""Turns an operation into a route: reads and checks the request, runs the handler in a thread, writes the answer."""

from __future__ import annotations

from threading import Event

import anyio.to_thread
import orjson
from anyio import CapacityLimiter
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from engine.api.operations import Answer, Call, Operation, Stream
from engine.api.problems import respond
from engine.app.services import Services
from engine.app.storable import unstorable
from engine.core.values import Json
from engine.errors import HeadraceError, Invalid, Malformed, Problem
from engine.web.body import read_body
from engine.web.endpoint import Endpoint

MAX_BODY = 1024 * 1024
"""Bytes of a request's body."""
WAITERS = 200
"""Calls that may wait at a time; they have threads of their own, so that others are not held up."""


def route(operation: Operation, services: Services, closing: Event) -> Route:
    """The Starlette route of one operation."""
    return Route(
        operation.path,
        Endpoint(_Answers(operation, services, closing).answer),
        methods=[operation.method],
        name=operation.id,
    )


class _Answers:
    """To the requests for an operation."""

    def __init__(self, operation: Operation, services: Services, closing: Event) -> None:
        self._operation = operation
        self._services = services
        self._closing = closing
        self._waiters: CapacityLimiter | None = None

    async def answer(self, request: Request) -> Response:
        """Read it, carry it out in a thread, write what came of it."""
        operation = self._operation
        try:
            call = await _read(operation, request, self._services, self._closing)
            limiter = self._limiter() if operation.waits(call) else None
            answer = await anyio.to_thread.run_sync(operation.handler, call, limiter=limiter)
        except HeadraceError as error:
            return respond(request, error)
        return _write(operation, answer)

    def _limiter(self) -> CapacityLimiter:
        if self._waiters is None:  # a limiter belongs to the event loop that it was made in
            self._waiters = CapacityLimiter(WAITERS)
        return self._waiters


async def _read(operation: Operation, request: Request, services: Services, closing: Event) -> Call:
    query = body = None
    if operation.query is not None:
        query = _validated(operation.query, _query(request), "query")
    if operation.body is not None:
        body = _validated(operation.body, _json(await read_body(request, MAX_BODY)), "body")
    _hold_headers(operation, request)
    return Call(
        services=services,
        path=request.path_params,
        url=request.scope["path"],
        query=query,
        body=body,
        headers=request.headers,
        closing=closing,
    )


def _json(raw: bytes) -> Json:
    try:
        value = orjson.loads(raw or b"{}")
    except orjson.JSONDecodeError as error:
        raise Malformed(f"the body is not JSON: {error}") from None
    bad = unstorable(value)
    if bad:
        raise Invalid("the body holds a value that cannot be kept", problems=[Problem(pointer=bad[0], detail=bad[1])])
    return value


def _query(request: Request) -> dict[str, str]:
    """The query's parameters. One that comes twice is refused: readers could disagree which one counts."""
    given = request.query_params.multi_items()
    names = [name for name, _ in given]
    twice = [Problem(pointer=f"/{name}", detail="given more than once") for name in set(names) if names.count(name) > 1]
    if twice:
        raise Invalid("the query does not fit", problems=twice)
    return dict(given)


def _hold_headers(operation: Operation, request: Request) -> None:
    found = [
        Problem(pointer=f"/{header.name}", detail=f"not 1 to {header.longest} characters")
        for header in operation.headers
        if not 0 < len(request.headers.get(header.name, "-")) <= header.longest
    ]
    if found:
        raise Invalid("the headers do not fit", problems=found)


def _validated(model: type[BaseModel], value: Json, where: str) -> BaseModel:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = [
            Problem(pointer="".join(f"/{step}" for step in entry["loc"]), detail=entry["msg"])
            for entry in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise Invalid(f"the {where} does not fit", problems=found) from None


class _Streamed(StreamingResponse):
    """Read in threads, and closed however it ends."""

    def __init__(self, stream: Stream, *, status: int, headers: dict[str, str], media: str) -> None:
        super().__init__(stream.chunks, status, headers=headers, media_type=media)
        self._close = stream.close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._close()


def _write(operation: Operation, answer: Answer) -> Response:
    if isinstance(answer.body, Stream):
        return _Streamed(answer.body, status=answer.status, headers=dict(answer.headers), media=operation.media)
    if isinstance(answer.body, BaseModel):
        content: bytes | str = answer.body.model_dump_json(by_alias=True).encode()
    elif isinstance(answer.body, str):
        content = answer.body
    else:
        content = orjson.dumps(answer.body)
    return Response(content, answer.status, headers=dict(answer.headers), media_type=operation.media)
