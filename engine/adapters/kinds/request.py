"""Writes the request of an `http` task from its `with`, refusing what would mean two things to two readers."""

from __future__ import annotations

import re

import httpx
import orjson

from engine.app.kinds import misused
from engine.core.expressions.functions.conversions import scalar_text
from engine.spec.kinds import Fields, HttpParams

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A header's name (RFC 9110, 5.6.2)."""
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
"""A header's value (RFC 9110, 5.5): no line break can start another header."""
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})
"""What says where a request ends and whom it is for is written here and nowhere else."""


def written(params: HttpParams, idempotency_key: str) -> httpx.Request:
    """The request. Raises Failed (`config`)."""
    content, mime = _content(params)
    headers = httpx.Headers(
        {
            "User-Agent": "headrace",
            "Accept": "*/*",
            "Accept-Encoding": "gzip, deflate",
            "Idempotency-Key": idempotency_key,
            **({"Content-Type": mime} if mime else {}),
        }
    )
    headers.update(_headers(params.headers))
    return httpx.Request(params.method, _url(params), headers=headers, content=content)


def _url(params: HttpParams) -> httpx.URL:
    try:
        url = httpx.URL(params.url)
        url = url.copy_merge_params(_pairs(params.query)) if params.query else url
    except (httpx.InvalidURL, UnicodeError) as error:
        raise misused(f"`url` cannot be read: {error}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise misused("`url` must start with http:// or https:// and name a host")
    if url.userinfo:
        raise misused("credentials belong in the header `Authorization`, not in `url`")
    return url


def _content(params: HttpParams) -> tuple[bytes | None, str]:
    if "json_" in params.model_fields_set:
        return orjson.dumps(params.json_), "application/json"
    if params.form is not None:
        return str(httpx.QueryParams(_pairs(params.form))).encode(), "application/x-www-form-urlencoded"
    if params.body is not None:
        return params.body.encode(), "text/plain; charset=utf-8"
    return None, ""


def _headers(given: Fields) -> list[tuple[bytes, bytes]]:
    headers: list[tuple[bytes, bytes]] = []
    for name, value in _pairs(given):
        if not _TOKEN.fullmatch(name):
            raise misused(f"{name!r} is no name of a header")
        if name.lower() in _OURS:
            raise misused(f"the header {name} is not yours to write")
        if not _VALUE.fullmatch(value):
            raise misused(f"the value of the header {name} has characters that no header can carry")
        headers.append((name.encode(), value.encode("latin-1")))
    return headers


def _pairs(given: Fields) -> tuple[tuple[str, str], ...]:
    """A map as pairs of text; a list gives its name several times."""
    return tuple(
        (name, scalar_text(each) or "")
        for name, value in given.items()
        for each in (value if isinstance(value, list) else [value])
    )
