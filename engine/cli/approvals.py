"""`headrace approve`: decide as a person, with the API's token for authority."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from engine.cli.output import AsJson, emit_json, emit_table, moment


def register(app: typer.Typer) -> None:
    """Add `approve`."""
    app.command("approve", rich_help_panel="Run workflows")(approve)


def approve(
    approval: Annotated[
        str | None, typer.Argument(help="Id of the approval; without one, the open ones are listed.")
    ] = None,
    person: Annotated[
        str | None, typer.Option("--as", help="Your name in project.yaml. Default: your login name.")
    ] = None,
    comment: Annotated[str, typer.Option(help="A comment that is kept with the decision.")] = "",
    form: Annotated[
        list[str] | None, typer.Option("--form", metavar="NAME=VALUE", help="One field of the form.")
    ] = None,
    *,
    reject: Annotated[bool, typer.Option("--reject", help="Reject it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Approve (or reject) what waits for a person."""
    from engine.cli.client import Api
    from engine.cli.instances import parse_pairs

    api = Api()
    if approval is None:
        page = api.get("/approvals", state="open")
        if as_json:
            emit_json(page)
            return
        rows = [
            (row["id"], row["instance"], row["path"], row["message"], moment(row["expires_at"]))
            for row in page["items"]
        ]
        emit_table(("ID", "INSTANCE", "TASK", "MESSAGE", "EXPIRES"), rows, empty="Nothing waits for a person.")
        return
    body = {
        "person": person or getpass.getuser(),
        "decision": "rejected" if reject else "approved",
        "comment": comment,
        "form": parse_pairs(form or []),
    }
    decided = api.post(f"/approvals/{approval}/decision", body)
    if as_json:
        emit_json(decided)
        return
    counted = sum(entry["decision"] == "approved" for entry in decided["decisions"])
    typer.echo(f"{decided['state']}  ({counted} of {decided['require']} approved)")
