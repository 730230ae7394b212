"""Calls to the API over a kept connection; the standard library's client, as others would be half of what is measured."""

from __future__ import annotations

import json
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any


def call(connection: HTTPConnection, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
    """What the API answers."""
    connection.request(method, path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    found: dict[str, Any] = json.loads(answer.read())
    if answer.status >= HTTPStatus.BAD_REQUEST:
        raise SystemExit(f"{method} {path} answered {answer.status}: {found}")
    return found
