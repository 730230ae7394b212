"""Puts the webhooks process together, the only one that faces the internet: hooks, health, and the routes it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import structlog
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from engine.app.ports import Secrets
from engine.app.project import ActiveProject
from engine.app.receive import Receiver
from engine.errors import Unavailable
from engine.web.allow import tell_allowed
from engine.web.body import PATIENCE
from engine.web.headers import SecurityHeaders
from webhooks.hooks import Hooks
from webhooks.metrics import Calls
from webhooks.problems import respond

LIVE = "/health/live"
READY = "/health/ready"

_log = structlog.get_logger(__name__)


def create(
    *,
    project: ActiveProject,
    secrets: Secrets,
    receiver: Receiver,
    routes: Sequence[BaseRoute] = (),
    checks: Mapping[str, Callable[[], object]] = MappingProxyType({}),
    calls: Calls | None = None,
    patience: float = PATIENCE,
) -> Starlette:
    """The app that the `webhooks` process serves.

    `routes` are the approval pages'; `checks` name what readiness needs, each raises Unavailable;
    `calls` counts; `patience` bounds the time for a body in seconds.
    """
    hooks = Hooks(
        project=project,
        secrets=secrets,
        receiver=receiver,
        calls=calls or Calls(CollectorRegistry()),
        patience=patience,
    )
    return Starlette(
        routes=[hooks.route(), Route(LIVE, _live, methods=["GET"]), _readiness(checks), *routes],
        middleware=[Middleware(SecurityHeaders)],
        exception_handlers={HTTPException: _failed, Exception: _failed},
    )


async def _live(_request: Request) -> Response:
    """The process answers: nothing else is looked at, so that an outage elsewhere restarts nobody."""
    return JSONResponse({"status": "ok"})


def _readiness(checks: Mapping[str, Callable[[], object]]) -> Route:
    """Whether a call could be taken now: 503 and the names of what does not answer, otherwise. Why is in the log."""

    def ready(_request: Request) -> Response:
        found = {name: _holds(name, check) for name, check in checks.items()}
        well = all(found.values())
        states = {name: "ok" if holds else "unavailable" for name, holds in found.items()}
        return JSONResponse({"status": "ok" if well else "unavailable", "checks": states}, 200 if well else 503)

    return Route(READY, ready, methods=["GET"])


def _holds(name: str, check: Callable[[], object]) -> bool:
    try:
        check()
    except Unavailable as error:
        _log.warning("not ready", check=name, error=str(error))
        return False
    return True


async def _failed(request: Request, error: Exception) -> Response:
    """The answer to what no route took, to a wrong method and to a bug; a body nobody read ends the connection."""
    answer = respond(request, error, close=True)
    tell_allowed(request, error, answer)
    return answer
