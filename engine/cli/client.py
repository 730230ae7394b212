"""The command line's way to the API: HTTP, with errors that say what to do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, BinaryIO
from urllib.parse import quote

import httpx

from engine.config import Config, load
from engine.errors import HeadraceError, Problem, Rejected, Unavailable


class Api:
    """Talks to `HEADRACE_API_URL` with `HEADRACE_API_TOKEN`."""

    def __init__(self, config: Config | None = None, *, timeout: float = 60) -> None:
        config = config or load()
        headers = {"Authorization": f"Bearer {config.api_token}"} if config.api_token else {}
        self._url = config.api_url
        self._client = httpx.Client(
            base_url=f"{config.api_url.rstrip('/')}/api/v1",
            headers=headers,
            timeout=timeout,
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),  # a command makes a few calls and nobody closes it
        )

    def get(self, *steps: str, **query: object) -> Any:
        """The JSON at a path, given step by step; parameters that are None are left out. Raises Rejected, Unavailable."""
        given = {name: str(value) for name, value in query.items() if value is not None}
        return self._call("GET", steps, params=given)

    def post(self, *steps: str, body: object | None = None, headers: dict[str, str] | None = None) -> Any:
        """The JSON answer to a body. Raises Rejected, Unavailable."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        return self._call("POST", steps, content=_text(body if body is not None else {}), headers=sent)

    def download(self, *steps: str, to: BinaryIO) -> None:
        """Write what is at a path. Raises Rejected, Unavailable."""
        try:
            with self._client.stream("GET", _path(steps)) as response:
                if not response.is_success:
                    response.read()
                    body = _json(response)
                    raise self._problem(response, body if isinstance(body, dict) else {})
                to.writelines(response.iter_bytes())
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._silent(error) from None

    def _call(self, method: str, steps: Sequence[str], **options: Any) -> Any:
        try:
            response = self._client.request(method, _path(steps), **options)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._silent(error) from None
        body = _json(response)
        if response.is_success and body is not None:
            return body
        raise self._problem(response, body if isinstance(body, dict) else {})

    def _silent(self, error: Exception) -> Unavailable:
        return Unavailable(
            f"the API at {self._url}",
            f"{error or type(error).__name__}; is it running? (`headrace dev`, or HEADRACE_API_URL)",
        )

    def _problem(self, response: httpx.Response, body: dict[str, Any]) -> HeadraceError:
        """What an answer means that is not the one hoped for; our own API always says why."""
        stranger = f"{self._url} does not answer like the API: {response.status_code} for {response.request.url.path}"
        detail = body.get("detail") or f"{stranger}; is HEADRACE_API_URL right?"
        if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            return Unavailable("the API", detail)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            detail += "; set HEADRACE_API_TOKEN"
        problems = [
            Problem(pointer=str(entry.get("pointer", "")), detail=str(entry.get("detail", "")))
            for entry in body.get("errors", [])
        ]
        return Rejected(detail, problems=problems)


def _path(steps: Sequence[str]) -> str:
    if not all(steps):
        raise Rejected("an empty id names nothing")
    return "/".join(quote(step, safe="") for step in steps)


def _text(body: object) -> str:
    """All in ASCII, so that what cannot be kept is refused by who knows why."""
    try:
        return json.dumps(body, allow_nan=False)
    except ValueError:
        raise Rejected("a number is too large for JSON") from None


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
