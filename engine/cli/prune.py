"""`headrace prune`: throws away what is old now, where the scheduler would do so by and by."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.cli.output import AsJson, emit_json

PAUSE = 0.05
"""Seconds between two batches, or two looks whether the rest after one is over."""


def register(app: typer.Typer) -> None:
    """Add `prune`."""
    app.command("prune", rich_help_panel="Operate")(prune)


def prune(
    *,
    older_than: Annotated[
        str, typer.Option("--older-than", help="How long ago it ended, such as 30d; 1h at least. Default: the setting.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count the instances.")] = False,
    as_json: AsJson = False,
) -> None:
    """Throw away instances that ended long ago, with deliveries and events as old. Works on the instances DB itself."""
    import time

    from engine import log
    from engine.app.prune import SHORTEST, Keep, Pruner
    from engine.bootstrap import Application
    from engine.config import load
    from engine.core import durations

    config = load()
    log.configure(config)
    try:
        age = durations.milliseconds(older_than) if older_than else Keep.of(days=config.retention_days, newest=0).age
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--older-than") from None
    age = max(age, SHORTEST)
    application = Application(config)
    retention, clock = application.instances.retention, application.instances.recovery
    try:
        if dry_run:
            gone = retention.count(ended_before=clock.now() - age)
        else:
            pruner = Pruner(retention=retention, clock=clock, keep=Keep(age=age))
            while pruner.run_once():
                time.sleep(PAUSE)
            gone = pruner.gone
    finally:
        application.close()
    if as_json:
        emit_json({"instances": gone, "older_than": durations.text(age), "dry_run": dry_run})
        return
    said = "ended longer ago than" if dry_run else "thrown away that ended longer ago than"
    typer.echo(f"{gone:,} instance{'' if gone == 1 else 's'} {said} {durations.text(age)}")
