"""Puts the API and the pages together: one Starlette app, one table of operations, one guard before all of it."""

from __future__ import annotations

from threading import Event

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from engine.api import login
from engine.api.endpoint import route
from engine.api.guard import PROGRAMS, Access, Guard
from engine.api.problems import of_error, respond
from engine.api.table import OPERATIONS
from engine.app.services import Services
from engine.config import Config
from engine.web import pages
from engine.web.allow import tell_allowed
from engine.web.headers import HEADERS, SecurityHeaders
from engine.web.render import STATIC, error_page

PUBLIC = frozenset({*(operation.path for operation in OPERATIONS if operation.public), login.PATH})


def create(services: Services, config: Config) -> Starlette:
    """The app that the `api` process serves. Raises Misconfigured if it would be open to the network without a token."""
    access = Access.of(config)
    closing = Event()
    app = Starlette(
        routes=[
            *(route(operation, services, closing) for operation in OPERATIONS),
            *login.routes(access),
            *pages.routes(services, config),
        ],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(Guard, access=access, is_public=_is_public),
        ],
        exception_handlers={HTTPException: _failed, Exception: _failed},
    )
    app.state.closing = closing
    app.state.home = True
    return app


def _is_public(path: str) -> bool:
    return path in PUBLIC or path.startswith(STATIC + "/")


async def _failed(request: Request, error: Exception) -> Response:
    """The answer to what no handler took: an unknown path, a wrong method, a bug (which Starlette raises on, to be logged)."""
    answer = respond(request, error)
    tell_allowed(request, error, answer)
    if not request.url.path.startswith(PROGRAMS):
        answer = error_page(of_error(error), answer, home=True)
    # A bug is answered outside of all middleware.
    answer.headers.update(HEADERS)
    return answer
