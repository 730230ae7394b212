"""What an address allows: a path has a route per method, and the answer to a wrong one must name them all (RFC 9110, 15.5.6)."""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route


def tell_allowed(request: Request, error: Exception, answer: Response) -> None:
    """Complete the `Allow` header of the answer to a wrong method."""
    if isinstance(error, HTTPException) and error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed: set[str] = set()
        for route in request.app.routes:
            if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
                allowed |= route.methods or set()
        answer.headers["Allow"] = ", ".join(sorted(allowed))
