"""`headrace health`: for container health checks, a question with an exit status for an answer."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.cli.output import AsJson, emit_json

PATIENCE = 60.0
"""Seconds that --wait waits."""


def register(app: typer.Typer) -> None:
    """Add `health`."""
    app.command("health", rich_help_panel="Operate")(health)


def health(
    url: Annotated[
        str | None, typer.Argument(help="A readiness URL; without one the databases and the broker are asked.")
    ] = None,
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Ask again for up to a minute.")] = False,
    as_json: AsJson = False,
) -> None:
    """Exit 0 if the process at URL, or what every process needs, is there; else 1."""
    import time

    deadline = time.monotonic() + (PATIENCE if wait else 0)
    while True:
        found = _ask(url) if url else _check()
        well = set(found.values()) == {"ok"}
        if well or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    if as_json:
        emit_json(found)
    else:
        for name, text in found.items():
            typer.echo(f"{name}: {text}")
    raise typer.Exit(0 if well else 1)


def _ask(url: str) -> dict[str, str]:
    """What a readiness URL says of each thing it looked at."""
    import httpx

    try:
        answer = httpx.get(url, timeout=4, trust_env=False)
        body = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        return {url: str(error) or type(error).__name__}
    return body.get("checks") or {url: str(body.get("status") or answer.status_code)}


def _check() -> dict[str, str]:
    """The databases and the broker of the settings, asked directly."""
    from engine.bootstrap import Application
    from engine.config import load
    from engine.errors import Unavailable

    application = Application(load())
    result: dict[str, str] = {}
    try:
        for name, check in application.checks.items():
            try:
                check()
                result[name] = "ok"
            except Unavailable as error:
                result[name] = str(error)
    finally:
        application.close()
    return result
