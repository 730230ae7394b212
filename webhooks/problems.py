"""Every error of the webhooks process as application/problem+json (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus

import orjson
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from engine.core.values import JsonObject
from engine.errors import Rejected, Unavailable

MEDIA = "application/problem+json"

_log = structlog.get_logger(__name__)


def respond(request: Request, error: Exception, *, close: bool = False, **more: object) -> Response:
    """The answer to a request that ended in an error.

    `close`: the body was not read, so the connection cannot be used again. `more` are members of the document's own.
    """
    document = _document(error) | more
    headers = dict(getattr(error, "headers", None) or {})
    if isinstance(error, Unavailable):
        headers["Retry-After"] = "5"
    if close:
        headers["Connection"] = "close"
    if document["status"] == HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("request failed", method=request.method, exc_info=error)
    return Response(orjson.dumps(document), document["status"], headers=headers, media_type=MEDIA)


def _document(error: Exception) -> JsonObject:
    match error:
        case Rejected():
            document = _known(error.status, error.slug, error.title, error.detail)
            if error.problems:
                document["errors"] = [{"pointer": f"#{p.pointer}", "detail": p.detail} for p in error.problems]
            return document
        case Unavailable():
            _log.warning("request refused for now", error=str(error))
            return _known(error.status, error.slug, error.title, "nothing was lost; send it again in a moment")
        case HTTPException():
            return {"type": "about:blank", "title": HTTPStatus(error.status_code).phrase, "status": error.status_code}
        case _:
            return {"type": "about:blank", "title": "Something is broken on our side", "status": 500}


def _known(status: int, slug: str, title: str, detail: str) -> JsonObject:
    return {"type": f"urn:headrace:problem:{slug}", "title": title, "status": status, "detail": detail}
