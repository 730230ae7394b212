"""The command line's way to the API: HTTP, with errors that say what to do."""

from __future__ import annotations

from typing import Any

import httpx

from engine.config import Config, load
from engine.errors import HeadraceError, Problem, Rejected, Unavailable


class Api:
    """Talks to `HEADRACE_API_URL` with `HEADRACE_API_TOKEN`."""

    def __init__(self, config: Config | None = None) -> None:
        config = config or load()
        headers = {"Authorization": f"Bearer {config.api_token}"} if config.api_token else {}
        self._url = config.api_url
        self._client = httpx.Client(
            base_url=f"{config.api_url.rstrip('/')}/api/v1", headers=headers, timeout=60, trust_env=False
        )

    def get(self, where: str, **query: object) -> Any:
        """The JSON at a path; parameters that are None are left out. Raises Rejected, Unavailable."""
        given = {name: str(value) for name, value in query.items() if value is not None}
        return self._call("GET", where, params=given)

    def post(self, path: str, body: object | None = None, headers: dict[str, str] | None = None) -> Any:
        """The JSON answer to a body. Raises Rejected, Unavailable."""
        return self._call("POST", path, json=body if body is not None else {}, headers=headers)

    def _call(self, method: str, path: str, **options: Any) -> Any:
        try:
            response = self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise Unavailable(
                f"the API at {self._url}",
                f"{error or type(error).__name__}; is it running? (`headrace dev`, or HEADRACE_API_URL)",
            ) from None
        if response.is_success:
            return response.json() if response.content else None
        raise _problem(response)


def _problem(response: httpx.Response) -> HeadraceError:
    try:
        body = response.json()
    except ValueError:
        body = {}
    detail = body.get("detail") or body.get("title") or f"the API answered {response.status_code}"
    if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        return Unavailable("the API", detail)
    if response.status_code == httpx.codes.UNAUTHORIZED:
        detail += "; set HEADRACE_API_TOKEN"
    problems = [
        Problem(pointer=str(entry.get("pointer", "")), detail=str(entry.get("detail", "")))
        for entry in body.get("errors", [])
    ]
    return Rejected(detail, problems=problems)
