"""`headrace run`: a workflow on this machine, without a server, from a file as it lies there."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.output import AsJson, emit_json

if TYPE_CHECKING:
    from engine.cli.local.files import Runnable
    from engine.core.values import JsonObject
    from engine.errors import Rejected


def register(app: typer.Typer) -> None:
    """Add `run`."""
    app.command("run", rich_help_panel="Write workflows")(run)


def run(
    file: Annotated[Path, typer.Argument(help="The workflow file.")],
    *,
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", "-i", metavar="NAME=VALUE", help="One input; the value is JSON, or else text."),
    ] = None,
    inputs_file: Annotated[
        str | None,
        typer.Option("--inputs", metavar="FILE", help="A JSON or YAML file with inputs; - is standard input."),
    ] = None,
    variables: Annotated[
        list[str] | None, typer.Option("--var", metavar="NAME=VALUE", help="In place of a var of project.yaml.")
    ] = None,
    secrets: Annotated[
        list[str] | None,
        typer.Option("--secret", metavar="NAME[=VALUE]", help="A secret; without a value that of the variable NAME."),
    ] = None,
    trigger: Annotated[
        str | None,
        typer.Option("--trigger", metavar="FILE", help="JSON that becomes trigger.body, and inputs as `on` says."),
    ] = None,
    events: Annotated[
        list[str] | None,
        typer.Option("--event", metavar="TYPE=JSON", help="An event, sent once a task waits for one of its type."),
    ] = None,
    person: Annotated[
        str | None,
        typer.Option("--as", metavar="PERSON", help="Who you are in project.yaml. Default: your login name."),
    ] = None,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="10m", help="Cancel the run when it has taken this long.")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="DIR", help="Keep its databases and files in this new folder.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Approve whatever is asked.")] = False,
    send: Annotated[
        bool, typer.Option("--send", help="Send messages to people; without it they are only shown.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show only the end.")] = False,
    plain: Annotated[
        bool, typer.Option("--plain", help="Lines below each other, in a terminal too, with all that tasks print.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run a workflow on this machine, without a server.

    Exit status 0: it succeeded; 1: it failed; 2: it could not be started; 3: it was cancelled, or waited for somebody who
    could not be asked; 130: stopped at once.
    """
    from engine.cli.local import given
    from engine.cli.local.session import Session, Wishes
    from engine.cli.login import login_name
    from engine.config import load
    from engine.errors import Rejected

    by = person or login_name()
    overrides = partial(given.overrides, variables or [])
    try:
        runnable = _read(file, by, overrides)
        wishes = Wishes(
            inputs=given.inputs(inputs_file, inputs or [], runnable.trigger.inputs),
            body=None if trigger is None else (given.body(trigger),),
            events=tuple(given.events(events or [])),
            secrets=given.secrets(secrets or [], os.environ),
            person=by,
            timeout=given.seconds(timeout),
            yes=yes,
            send=send,
            quiet=quiet,
            plain=plain,
            as_json=as_json,
        )
        with _folder(keep) as folder:
            result = Session(load(), folder, runnable, wishes, keep=keep is not None).run()
    except Rejected as error:
        _say(error)
        raise typer.Exit(2) from None
    if as_json:
        emit_json(result.document)
    raise typer.Exit(result.status)


def _read(file: Path, author: str, overrides: Callable[[JsonObject], JsonObject]) -> Runnable:
    """The file and what it needs; errors are shown as `headrace lint` shows them, and end it. Raises Rejected."""
    from engine.cli.local.files import Wrong, read
    from engine.lint.reporters import text

    try:
        runnable = read(file, author, overrides)
    except Wrong as wrong:
        sys.stderr.write(text.report(wrong.findings, wrong.files))
        raise typer.Exit(2) from None
    for path in runnable.left_out:
        typer.echo(f"headrace: {path} has errors and is left out; `headrace lint {path}` shows them", err=True)
    return runnable


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """A new folder for the run, gone afterwards unless it is to be kept. Raises Rejected."""
    from tempfile import TemporaryDirectory

    from engine.errors import Rejected

    if keep is None:
        with TemporaryDirectory(prefix="headrace-run-", ignore_cleanup_errors=True) as made:
            yield Path(made)
        return
    try:
        keep.mkdir(parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise Rejected(f"--keep {keep}: the folder is not empty")
    except OSError as error:
        raise Rejected(f"--keep {keep}: {error.strerror}") from None
    yield keep


def _say(error: Rejected) -> None:
    typer.echo(f"headrace: {error.detail}", err=True)
    for problem in error.problems:
        typer.echo(f"  {problem.pointer or '/'}: {problem.detail}", err=True)
