"""`headrace lsp`: what editors talk to."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add `lsp`."""
    app.command("lsp", rich_help_panel="Write workflows")(lsp)


def lsp(
    *,
    stdio: Annotated[bool, typer.Option("--stdio", help="Talk over stdin and stdout, as it always does.")] = False,  # noqa: ARG001 - editors pass it
) -> None:
    """Serve editors: findings, completion, help and renaming in workflow files, over stdin and stdout."""
    try:
        from engine.lsp.server import create
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        typer.echo("headrace: the language server needs more: pip install 'headrace[lsp]'", err=True)
        raise typer.Exit(2) from None
    create().start_io()
