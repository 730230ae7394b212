"""Every error of the API as application/problem+json (RFC 9457), those of the framework included."""

from __future__ import annotations

from http import HTTPStatus

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from engine.core.values import JsonObject
from engine.errors import Rejected, Unavailable

MEDIA = "application/problem+json"


def problem(status: int, title: str, detail: str = "", *, kind: str = "about:blank", **more: object) -> JsonObject:
    """One problem document; empty members are left out."""
    members: JsonObject = {"type": kind, "title": title, "status": status, "detail": detail, **more}
    return {name: value for name, value in members.items() if value not in ("", [], None)}


def of_error(error: Exception) -> JsonObject:
    """The document that says what an error means for the caller. Only errors raised on purpose say what they say."""
    match error:
        case Rejected():
            errors = [{"pointer": "#" + found.pointer, "detail": found.detail} for found in error.problems]
            kind = f"urn:headrace:problem:{error.slug}"
            return problem(error.status, error.title, error.detail, kind=kind, errors=errors)
        case Unavailable():
            return problem(error.status, error.title, str(error), kind=f"urn:headrace:problem:{error.slug}")
        case HTTPException():
            title = HTTPStatus(error.status_code).phrase
            return problem(error.status_code, title, error.detail if error.detail != title else "")
        case _:
            return problem(500, "Something is broken on our side", "It was logged; trying again may or may not help.")


def respond(request: Request, error: Exception) -> Response:
    """The answer to a request that ended in an error."""
    document = of_error(error)
    document["instance"] = request.url.path
    headers = dict(getattr(error, "headers", None) or {})
    if isinstance(error, Unavailable):
        headers["Retry-After"] = "1"
    if document["status"] == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="headrace"'
    return Response(orjson.dumps(document), document["status"], headers=headers, media_type=MEDIA)
