"""The `headrace` command. Imports stay inside the commands, so that `--help` answers at once."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from engine.cli import (
    approvals,
    artifacts,
    concurrency,
    db,
    deliveries,
    dev,
    events,
    explain,
    fmt,
    graph,
    health,
    instances,
    lint,
    lsp,
    new,
    plan,
    processes,
    prune,
    rules,
    run,
    schedules,
    schema,
    sync,
    test,
)
from engine.cli.overview import Overview
from engine.errors import HeadraceError, Misconfigured

app = typer.Typer(
    name="headrace",
    cls=Overview,
    help="Workflows as code, in your git repository.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (
    dev,
    run,
    new,
    lint,
    lsp,
    rules,
    test,
    fmt,
    graph,
    plan,
    schema,
    instances,
    explain,
    events,
    artifacts,
    approvals,
    schedules,
    concurrency,
    deliveries,
    sync,
    prune,
    db,
    health,
    processes,
):
    group.register(app)


def _version(value: bool) -> None:
    if value:
        from engine.version import installed

        typer.echo(f"headrace {installed() or '(running from its sources)'}")
        raise typer.Exit


@app.callback()
def _top(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Workflows as code, in your git repository."""


def main() -> None:
    """Run the command line. Exit status 1: the answer is no; 2: used or configured wrongly; 130: interrupted."""
    try:
        app(prog_name="headrace")
    except Misconfigured as error:
        print(f"headrace: {error}", file=sys.stderr)  # noqa: T201 - the command line's own voice
        raise SystemExit(2) from None
    except HeadraceError as error:
        print(f"headrace: {error}", file=sys.stderr)  # noqa: T201
        for problem in getattr(error, "problems", ()):
            print(f"  {problem.pointer or '/'}: {problem.detail}", file=sys.stderr)  # noqa: T201
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
