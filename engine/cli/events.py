"""`headrace emit, events, complete, fail`: what comes from outside, events and the ends of tasks, through the API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli.complete import tasks as known_tasks
from engine.cli.deliveries import outcome
from engine.cli.instances import Instance, parse_json, parse_pairs
from engine.cli.output import AsJson, emit_json, emit_table, first_line, moment

Task = Annotated[str, typer.Argument(help="Path of the task, as `headrace get` shows it.", autocompletion=known_tasks)]
SHOWN = 60
"""Characters of a body that a table shows."""


def register(app: typer.Typer) -> None:
    """Add `emit`, `complete`, `fail` and `events`."""
    panel = "Run workflows"
    app.command("emit", rich_help_panel=panel)(emit)
    app.command("complete", rich_help_panel=panel)(complete)
    app.command("fail", rich_help_panel=panel)(fail)
    app.command("events", rich_help_panel="Operate")(events)


def emit(
    type: Annotated[str, typer.Argument(help="Type of the event.")],
    data: Annotated[
        str | None, typer.Option("--data", "-d", metavar="JSON", help="The body: JSON, or @FILE that holds it.")
    ] = None,
    id: Annotated[str | None, typer.Option("--id", help="Its id: sent again it is the same event.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Publish an event: tasks that wait for it go on, workflows that listen start."""
    from engine.cli.client import Api
    from engine.cli.login import login_name

    body = {"type": type, "body": _body(data), "by": login_name(), **({"id": id} if id is not None else {})}
    published = Api().post("events", body=body)
    emit_json(published) if as_json else typer.echo(published["id"])


def complete(
    instance: Instance,
    task: Task,
    outputs: Annotated[
        list[str] | None,
        typer.Option("--output", "-o", metavar="NAME=VALUE", help="One output; the value is JSON, or else text."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Complete a task from outside, with outputs: it succeeded, or received the event that it waits for."""
    end_task(instance, task, "complete", {"outputs": parse_pairs(outputs or [])}, "completed", as_json=as_json)


def fail(
    instance: Instance,
    task: Task,
    message: Annotated[str, typer.Argument(help="What is wrong.")],
    kind: Annotated[str, typer.Option(help="The kind of the error, as `retry.if` and later tasks see it.")] = "fail",
    *,
    as_json: AsJson = False,
) -> None:
    """Fail a task from outside; it is not tried again."""
    end_task(instance, task, "fail", {"message": message, "kind": kind}, "failed", as_json=as_json)


def events(
    type: Annotated[str | None, typer.Argument(help="Only events of this type.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most.")] = 20,
    *,
    as_json: AsJson = False,
) -> None:
    """Show events, newest first."""
    import json

    from engine.cli.client import Api

    page = Api().get("events", type=type, limit=limit)
    if as_json:
        emit_json(page)
        return
    rows = [
        (
            row["id"],
            row["type"],
            moment(row["received_at"]),
            row["source"],
            row["by"],
            json.dumps(row["body"])[:SHOWN],
            outcome(row),
        )
        for row in page["items"]
    ]
    emit_table(("ID", "TYPE", "RECEIVED", "SOURCE", "BY", "BODY", "OUTCOME"), rows, empty="No events.")


def end_task(instance: str, task: str, verb: str, body: dict[str, Any], said: str, *, as_json: bool) -> None:
    """Have the API end one task, and say so."""
    from engine.cli.client import Api
    from engine.cli.login import login_name

    # Step by step: not every proxy lets an encoded slash through.
    answer = Api().post("instances", instance, "tasks", *task.split("/"), verb, body={"by": login_name(), **body})
    emit_json(answer) if as_json else typer.echo(f"{instance}  {task} {said}")


def _body(data: str | None) -> Any:
    if data is None:
        return None
    try:
        text = Path(data[1:]).read_text(encoding="utf-8") if data.startswith("@") else data
        return parse_json(text)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"--data is no JSON: {first_line(str(error))}") from None
