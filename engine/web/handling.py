"""Runs the handlers of pages: in a thread, forms read, errors shown as pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.errors import Malformed, Rejected, Unavailable
from engine.web.body import read_body
from engine.web.origin import refuse_foreign
from engine.web.render import error_template, page

MAX_FORM = 256 * 1024
"""Bytes of a form."""
MAX_FIELDS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request for a page. `form` is empty but for POST; of a field that came twice the last counts."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]
    cookies: Mapping[str, str]
    url: str
    secure: bool


Handler = Callable[[Visit], Response]


def show(path: str, handler: Handler, *, name: str | None = None) -> Route:
    """A page: GET and HEAD, which never change anything."""
    return Route(path, _endpoint(handler), methods=["GET"], name=name)


def act(path: str, handler: Handler, *, name: str | None = None) -> Route:
    """What a form does: POST."""
    return Route(path, _endpoint(handler), methods=["POST"], name=name)


def _endpoint(handler: Handler) -> Callable[[Request], object]:
    async def endpoint(request: Request) -> Response:
        try:
            refuse_foreign(request.method, request.headers)
            visit = Visit(
                path=request.path_params,
                query=dict(request.query_params),
                form=await _form(request) if request.method == "POST" else {},
                cookies=request.cookies,
                url=request.url.path,
                secure=request.url.scheme == "https",
            )
            return await anyio.to_thread.run_sync(handler, visit)
        except (Rejected, Unavailable) as error:
            detail = error.detail if isinstance(error, Rejected) else str(error)
            problem = {"status": error.status, "title": error.title, "detail": detail}
            home = getattr(request.app.state, "home", False)
            return page(error_template(home=home), {"problem": problem}, status=error.status)

    return endpoint


async def _form(request: Request) -> dict[str, str]:
    raw = await read_body(request, MAX_FORM)
    try:
        return dict(
            parse_qsl(raw.decode(), keep_blank_values=True, strict_parsing=bool(raw), max_num_fields=MAX_FIELDS)
        )
    except ValueError:
        raise Malformed("the form cannot be read") from None
