"""Writes the request of an `http` task from its `with`, refusing what would mean two things to two readers."""

from __future__ import annotations

import re

import httpx
import orjson

from engine.app.kinds import Call, Failed, misused, only, text
from engine.core.values import Json, JsonObject

_KEYS = ("method", "url", "headers", "query", "json", "body", "form", "allow_status")
_METHOD = re.compile(r"[A-Z]{1,20}")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A header's name (RFC 9110, 5.6.2)."""
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
"""A header's value (RFC 9110, 5.5): no line break can start another header."""
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})
"""What says where a request ends and whom it is for is written here and nowhere else."""


def written(call: Call) -> httpx.Request:
    """The request. Raises Failed (`config`)."""
    params = call.params
    only(params, *_KEYS)
    _statuses(params.get("allow_status"))
    method = text(params, "method", "GET").upper()
    if not _METHOD.fullmatch(method):
        raise misused(f"{method!r} is no HTTP method")
    content, mime = _content(params)
    headers = {
        "User-Agent": "headrace",
        "Accept": "*/*",
        "Accept-Encoding": "gzip, deflate",
        "Idempotency-Key": call.idempotency_key,
    }
    if mime:
        headers["Content-Type"] = mime
    merged = httpx.Headers(headers)
    merged.update(_headers(params.get("headers") or {}))
    return httpx.Request(method, _url(params), headers=merged, content=content)


def _url(params: JsonObject) -> httpx.URL:
    try:
        url = httpx.URL(text(params, "url"))
        query = _pairs("query", params.get("query") or {})
        url = url.copy_merge_params(query) if query else url
    except (httpx.InvalidURL, UnicodeError) as error:
        raise misused(f"`url` cannot be read: {error}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise misused("`url` must start with http:// or https:// and name a host")
    if url.userinfo:
        raise misused("credentials belong in the header `Authorization`, not in `url`")
    return url


def _content(params: JsonObject) -> tuple[bytes | None, str]:
    given = [name for name in ("json", "body", "form") if name in params]
    if len(given) > 1:
        raise misused(f"only one of {', '.join(given)} can be sent")
    if "json" in params:
        return orjson.dumps(params["json"]), "application/json"
    if "form" in params:
        form = httpx.QueryParams(_pairs("form", params["form"]))
        return str(form).encode(), "application/x-www-form-urlencoded"
    if "body" in params:
        return text(params, "body").encode(), "text/plain; charset=utf-8"
    return None, ""


def _headers(given: Json) -> list[tuple[bytes, bytes]]:
    headers: list[tuple[bytes, bytes]] = []
    for name, value in _pairs("headers", given):
        if not _TOKEN.fullmatch(name):
            raise misused(f"{name!r} is no name of a header")
        if name.lower() in _OURS:
            raise misused(f"the header {name} is not yours to write")
        if not _VALUE.fullmatch(value):
            raise misused(f"the value of the header {name} has characters that no header can carry")
        headers.append((name.encode(), value.encode("latin-1")))
    return headers


def _pairs(what: str, given: Json) -> tuple[tuple[str, str], ...]:
    """A map as pairs of text; a list gives its name several times."""
    if not isinstance(given, dict):
        raise misused(f"`{what}` must be a map")
    return tuple(
        (name, _written(what, name, each))
        for name, value in given.items()
        for each in (value if isinstance(value, list) else [value])
    )


def _written(what: str, name: str, value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise misused(f"`{what}.{name}` must be text, a number, a boolean or a list of those")


def _statuses(allowed: Json) -> None:
    if allowed is None:
        return
    if not isinstance(allowed, list) or not all(isinstance(each, int) and 100 <= each <= 599 for each in allowed):  # noqa: PLR2004 - the status codes there are
        raise Failed("config", "`allow_status` must be a list of status codes")
