"""`headrace explain`: why an instance or a task is where it is, through the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from engine.cli import complete
from engine.cli.instances import Instance
from engine.cli.output import AsJson, emit_json, moment

LABEL = 11
"""Columns of what stands before a line."""
Row = dict[str, Any]


def register(app: typer.Typer) -> None:
    """Add `explain`."""
    app.command("explain", rich_help_panel="Run workflows")(explain)


def explain(
    instance: Instance,
    task: Annotated[
        str | None,
        typer.Argument(help="Path of a task: `deploy`, `deploy[eu]/roll`.", autocompletion=complete.tasks),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Why an instance or a task ran, waits, was skipped or failed, and what comes next."""
    from engine.cli.client import Api

    found = Api().get("instances", instance, "explain", task=task)
    if as_json:
        emit_json(found)
        return
    for line in _task(found, found["tasks"][0]) if task is not None else _instance(found):
        typer.echo(line)


def _instance(found: Row) -> Iterator[str]:
    yield f"{found['workflow']} {found['id']}  {found['state']}"
    if found["why"] != f"it is {found['state']}":
        yield _line("why", found["why"])
    yield from _ahead(found)
    for task in found["tasks"]:
        yield ""
        yield from _head(task)
        yield from _ahead(task)
    if found["more"]:
        yield "\nThere are more tasks than these."


def _task(instance: Row, task: Row) -> Iterator[str]:
    yield from _head(task)
    for number, edge in enumerate(task["edges"]):
        mark = {True: "yes", False: "no", None: "open"}[edge["satisfied"]]
        label = f"needs {task['join']}".rstrip() if number == 0 else ""
        yield _line(label, f"{edge['source']}.{edge['outcome']}: {mark}, {edge['source']} is {edge['got']}")
    for condition in task["conditions"]:
        result = {True: "true", False: "false", None: "not evaluated"}[condition["result"]]
        yield _line(condition["of"], f"{condition['source']}: {result}")
        for name, value in condition["values"].items():
            yield _line("", f"  {name} = {_json(value)}")
    for attempt in task["attempts"]:
        yield _line(f"attempt {attempt['number']}", _attempt(attempt))
    yield from _ahead(task)
    for follower in task["followers"]:
        yield _line("then", f"{follower['task']}, on {' or '.join(follower['outcomes'])}")
    if not task["waits"] and instance["waits"] and task["state"] == "pending":
        yield from _ahead(instance)


def _head(task: Row) -> Iterator[str]:
    yield f"{task['path']}  {task['kind']}  {task['state']}"
    yield _line("why", task["why"])
    if task["handling"]:
        by = f" by {', '.join(task['handled_by'])}" if task["handled_by"] else ""
        said = {"accepted": "accepted by continue_on_error", "wanted": "its own scope wanted it so"}
        yield _line("outcome", said.get(task["handling"], f"{task['handling']}{by}"))


def _ahead(found: Row) -> Iterator[str]:
    for wait in found["waits"]:
        since = f", since {moment(wait['since'])}" if wait["since"] else ""
        until = f", until {moment(wait['until'])}" if wait["until"] else ""
        place = f", {wait['details']['place']}. in the queue" if wait["details"].get("place") else ""
        yield _line("now", f"{wait['said']}{place}{since}{until}")
    for coming in found["next"]:
        yield _line("next", f"{moment(coming['at'])} {coming['what']}")


def _attempt(attempt: Row) -> str:
    error = attempt["error"]
    parts = [attempt["end"] or ("running" if attempt["started_at"] else "asked for")]
    if attempt["started_at"]:
        parts.append(f"started {moment(attempt['started_at'])}")
    if attempt["ended_at"]:
        parts.append(f"ended {moment(attempt['ended_at'])}")
    if attempt["worker"]:
        parts.append(f"on {attempt['worker']}")
    return ", ".join(parts) + (f"; {error['kind']}: {error['message']}" if error else "")


def _line(label: str, text: str) -> str:
    """In one line, without what a terminal would obey: messages come from outside."""
    plain = "".join(letter if letter.isprintable() else "\ufffd" for letter in " ".join(text.splitlines()))
    return f"  {label:<{LABEL}} {plain}"


def _json(value: Any) -> str:
    import orjson

    return orjson.dumps(value).decode()
