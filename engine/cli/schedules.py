"""`headrace schedules`: what the clock starts, through the API."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.cli import complete
from engine.cli.output import AsJson, emit_json, emit_table, first_line, moment


def register(app: typer.Typer) -> None:
    """Add `schedules`."""
    app.command("schedules", rich_help_panel="Operate")(schedules)


def schedules(
    workflow: Annotated[
        str | None, typer.Argument(help="Only those of this workflow.", autocompletion=complete.workflows)
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show what the clock starts: when next, and what became of the last time. Times are in your own time zone."""
    from engine.cli.client import Api

    found = Api().get("schedules", workflow=workflow)
    if as_json:
        emit_json(found)
        return
    rows = [
        (
            row["workflow"],
            row["cron"],
            row["timezone"],
            "\n".join(moment(at) for at in row["upcoming"]),
            moment(row["last_at"]),
            row["last_instance"],
            first_line(row["error"] or ("waits for the one before" if row["pending"] else "")),
        )
        for row in found["items"]
    ]
    emit_table(("WORKFLOW", "CRON", "ZONE", "NEXT", "LAST", "LAST INSTANCE", "WHY NOT"), rows, empty="No schedules.")
