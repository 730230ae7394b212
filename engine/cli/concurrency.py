"""`headrace concurrency`: who holds the slots of concurrency groups, through the API."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.cli.output import AsJson, emit_json, emit_table, moment


def register(app: typer.Typer) -> None:
    """Add `concurrency`."""
    app.command("concurrency", rich_help_panel="Operate")(concurrency)


def concurrency(
    group: Annotated[str | None, typer.Argument(help="Only this group.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show who holds the slots of concurrency groups, and who waits for one, first come first served."""
    from engine.cli.client import Api

    found = Api().get("concurrency", group=group)
    if as_json:
        emit_json(found)
        return
    rows = [
        (
            row["name"],
            f"{row['held']} of {row['limit']}",
            _state(kind, claim),
            claim["instance"],
            claim["path"],
            moment(claim["at"]),
        )
        for row in found["items"]
        for kind in ("holders", "waiters")
        for claim in row[kind]
    ]
    emit_table(("GROUP", "HELD", "STATE", "INSTANCE", "TASK", "SINCE"), rows, empty="Nobody holds or waits for a slot.")


def _state(kind: str, claim: dict[str, object]) -> str:
    if claim["leaving"]:
        return "has to go"
    return "holds" if kind == "holders" else f"waits, {claim['place']}."
