"""`headrace sync`: look at the repository now, and what earlier looks found."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from engine.cli.output import AsJson, emit_json, emit_table, moment


def register(app: typer.Typer) -> None:
    """Add `sync`."""
    app.command("sync", rich_help_panel="Operate")(sync)


def sync(
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many syncs to show.")] = 10,
    *,
    now: Annotated[bool, typer.Option("--now", help="Ask the sync worker to look at the repository at once.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what was loaded from git and what was refused; `--now` asks for a look at once."""
    from engine.cli.client import Api
    from engine.spec.findings import Finding

    api = Api()
    if now:
        api.post("syncs")
    rows = api.get("syncs", limit=limit)["items"]
    if as_json:
        emit_json(rows)
        return
    if now:
        typer.echo("Asked the sync worker to look at the repository.")
    table = [
        (moment(row["at"]), (row["commit"] or "")[:12], row["state"], row["author_name"], _summary(row)) for row in rows
    ]
    emit_table(("AT", "COMMIT", "STATE", "AUTHOR", "WHAT"), table, empty="Nothing was synced yet.")
    judged = next((row for row in rows if row["state"] in ("loaded", "refused")), None)
    for finding in judged["findings"] if judged else ():
        typer.echo(str(Finding.from_json(finding)))


def _summary(row: dict[str, Any]) -> str:
    if row["state"] == "refused":
        found = len(row["findings"])
        return f"{found} finding{'' if found == 1 else 's'}"
    parts = [f"{word} {', '.join(row[word])}" for word in ("added", "changed", "removed") if row[word]]
    return row["error"] or "; ".join(parts) or "no workflow changed"
