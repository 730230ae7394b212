"""`headrace health`: for container health checks, a question with an exit status for an answer."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.cli.output import AsJson, emit_json


def register(app: typer.Typer) -> None:
    """Add `health`."""
    app.command("health", rich_help_panel="Operate")(health)


def health(
    url: Annotated[
        str | None, typer.Argument(help="A readiness URL; without one the databases and the broker are asked.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Exit 0 if the process at URL, or what every process needs, is there; else 1."""
    if url:
        import httpx

        try:
            answer = httpx.get(url, timeout=4, trust_env=False)
        except httpx.HTTPError as error:
            typer.echo(f"headrace: {url}: {error}", err=True)
            raise typer.Exit(1) from None
        emit_json(answer.json()) if as_json else typer.echo(answer.text)
        raise typer.Exit(0 if answer.is_success else 1)
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
    if as_json:
        emit_json(result)
    else:
        for name, text in result.items():
            typer.echo(f"{name}: {text}")
    raise typer.Exit(0 if set(result.values()) == {"ok"} else 1)
