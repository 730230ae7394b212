"""Lets in who may come in: one bearer token for programs, a cookie made from it for the pages, loopback without either."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlencode

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from engine.api.problems import of_error, respond
from engine.config import Config
from engine.errors import Forbidden, HeadraceError, Misconfigured, Unauthenticated
from engine.web.origin import host_name, is_loopback, refuse_foreign
from engine.web.render import error_page

COOKIE = "headrace"
SESSION = 12 * 3600
"""Seconds that signing in lasts."""
PROGRAMS = ("/api/", "/metrics")
"""Where an answer is a problem document, elsewhere it is a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may come in. With an empty token everybody on this machine may, and only through its loopback names."""

    token: str

    @classmethod
    def of(cls, config: Config) -> Access:
        """Raises Misconfigured for an address that others can reach and no token."""
        if not config.api_token and not is_loopback(config.api_host):
            raise Misconfigured(
                "HEADRACE_API_TOKEN", f"must be set to serve on {config.api_host}: only loopback is safe without"
            )
        return cls(token=config.api_token)

    def refuse(self, method: str, headers: Headers) -> None:
        """Raises Unauthenticated or Forbidden."""
        refuse_foreign(method, headers)
        if not self.token:
            if not is_loopback(host_name(headers.get("host", ""))):
                # A name of somebody else's that resolves to us (DNS rebinding) would make their page our page.
                raise Forbidden("without HEADRACE_API_TOKEN only loopback names are served")
            return
        if not (self._bears(headers.get("authorization", "")) or self._signed_in(headers.get("cookie", ""))):
            raise Unauthenticated("send the API token as a bearer token")

    def is_token(self, text: str) -> bool:
        """Whether this is the token, in constant time."""
        return hmac.compare_digest(_digest(text), _digest(self.token))

    def session(self, now: float | None = None) -> str:
        """A cookie's value: when it ends, and a seal that only the token makes. A new token ends every session."""
        ends = str(int(time.time() if now is None else now) + SESSION)
        return f"{ends}.{self._seal(ends)}"

    def _bears(self, header: str) -> bool:
        scheme, _, token = header.partition(" ")
        return scheme.casefold() == "bearer" and self.is_token(token.strip())

    def _signed_in(self, header: str) -> bool:
        try:
            morsel = SimpleCookie(header).get(COOKIE)
        except CookieError:
            return False
        ends, _, seal = morsel.value.partition(".") if morsel else ("", "", "")
        if not hmac.compare_digest(_digest(seal), _digest(self._seal(ends))):
            return False
        return int(ends) > time.time()

    def _seal(self, ends: str) -> str:
        return hmac.new(_digest(self.token), b"session " + ends.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


class Guard:
    """ASGI middleware before everything but what is public."""

    def __init__(self, app: ASGIApp, *, access: Access, is_public: Callable[[str], bool]) -> None:
        self._app = app
        self._access = access
        self._is_public = is_public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        if scope["type"] != "http" or self._is_public(scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            self._access.refuse(scope["method"], Headers(scope=scope))
        except HeadraceError as error:
            response = self._refusal(Request(scope, receive), error)
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)

    @staticmethod
    def _refusal(request: Request, error: HeadraceError) -> Response:
        if isinstance(error, Unauthenticated) and request.method == "GET" and not request.url.path.startswith(PROGRAMS):
            return RedirectResponse("/login" + _next(request), 303)
        answer = respond(request, error)
        return answer if request.url.path.startswith(PROGRAMS) else error_page(of_error(error), answer, home=False)


def _next(request: Request) -> str:
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return "" if asked == "/" else "?" + urlencode({"next": asked})


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
