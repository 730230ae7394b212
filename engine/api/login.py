"""Signing in to the pages: the API's token, once, for a cookie that scripts cannot read and other sites cannot send."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from engine.api.guard import COOKIE, SESSION, Access
from engine.api.problems import respond
from engine.errors import HeadraceError
from engine.web.body import read_body
from engine.web.origin import refuse_foreign
from engine.web.render import page

PATH = "/login"
MAX_FORM = 16 * 1024


def routes(access: Access) -> list[Route]:
    """`/login` and `/logout`."""

    async def show(request: Request) -> Response:
        return _form(_local(request.query_params.get("next", "")))

    async def enter(request: Request) -> Response:
        try:
            refuse_foreign(request.method, request.headers)
            form = parse_qs((await read_body(request, MAX_FORM)).decode("utf-8", "replace"))
        except HeadraceError as error:
            return respond(request, error)
        target = _local(form.get("next", [""])[0])
        if not access.is_token(form.get("token", [""])[0].strip()):
            return _form(target, status=401, wrong=True)
        response = RedirectResponse(target, 303)
        response.set_cookie(
            COOKIE,
            access.session(),
            max_age=SESSION,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return response

    async def leave(_request: Request) -> Response:
        response = RedirectResponse(PATH, 303)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return response

    return [
        Route(PATH, show, methods=["GET"]),
        Route(PATH, enter, methods=["POST"]),
        Route("/logout", leave, methods=["POST"]),
    ]


def _form(target: str, *, status: int = 200, wrong: bool = False) -> Response:
    return page("login.html", {"target": target, "wrong": wrong}, status=status)


def _local(target: str) -> str:
    """A path on this site, and nothing that a browser could take for another one."""
    plain = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if plain else "/"
