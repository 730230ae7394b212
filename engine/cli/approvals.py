"""`headrace approve`: decide as a person, with the API's token for authority."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from engine.cli.instances import FINAL, parse_pairs
from engine.cli.output import AsJson, emit_json, emit_table, first_line, moment

PATIENCE = 10.0
"""Seconds to wait for an instance that runs to come to its approval."""


def register(app: typer.Typer) -> None:
    """Add `approve`."""
    app.command("approve", rich_help_panel="Run workflows")(approve)


def approve(
    approval: Annotated[
        str | None,
        typer.Argument(
            help="Id of the approval, or of an instance that waits at one; without it, the open ones are listed."
        ),
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
    from engine.cli.login import login_name

    api = Api()
    if approval is None:
        page = api.get("approvals", state="open")
        if as_json:
            emit_json(page)
            return
        rows = [
            (row["id"], row["instance"], row["path"], first_line(row["message"]), moment(row["expires_at"]))
            for row in page["items"]
        ]
        emit_table(("ID", "INSTANCE", "TASK", "MESSAGE", "EXPIRES"), rows, empty="Nothing waits for a person.")
        return
    body = {
        "person": person or login_name(),
        "decision": "rejected" if reject else "approved",
        "comment": comment,
        "form": parse_pairs(form or []),
    }
    decided = api.post("approvals", _approval_of(api, approval), "decision", body=body)
    if as_json:
        emit_json(decided)
        return
    counted = sum(entry["decision"] == "approved" for entry in decided["decisions"])
    typer.echo(f"{decided['state']}  ({counted} of {decided['require']} approved)")


def _approval_of(api: Any, id: str) -> str:
    """The approval that an id means: itself, or the only open one of an instance, which may be about to open."""
    import time

    from engine.errors import Conflict, Rejected

    try:
        state = api.get("instances", id)["state"]
    except Rejected:
        return id
    deadline = time.monotonic() + PATIENCE
    while True:
        found = api.get("approvals", instance=id, state="open")["items"]
        if len(found) > 1:
            raise Conflict(
                "more than one approval is open: " + ", ".join(f"{row['path']} {row['id']}" for row in found)
            )
        if found:
            return str(found[0]["id"])
        if state in FINAL or time.monotonic() > deadline:
            raise Conflict(f"no approval of instance {id} is open")
        time.sleep(0.1)
        state = api.get("instances", id)["state"]
