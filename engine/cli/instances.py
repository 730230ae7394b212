"""`headrace start, list, get, history, logs, cancel, pause, resume, retry`: runs of workflows, through the API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli import complete
from engine.cli.output import AsJson, emit_fields, emit_json, emit_table, moment

Instance = Annotated[str, typer.Argument(help="Id of the instance.", autocompletion=complete.instances)]
MOST_LINES = 300
"""Tasks that are shown of an instance, unless all are asked for."""
FINAL = ("succeeded", "failed", "cancelled")


def register(app: typer.Typer) -> None:
    """Add the commands about instances."""
    panel = "Run workflows"
    app.command("start", rich_help_panel=panel)(start)
    app.command("list", rich_help_panel=panel)(list_instances)
    app.command("get", rich_help_panel=panel)(get)
    app.command("history", rich_help_panel=panel)(history)
    app.command("logs", rich_help_panel=panel)(logs)
    app.command("cancel", rich_help_panel=panel)(cancel)
    app.command("pause", rich_help_panel=panel)(pause)
    app.command("resume", rich_help_panel=panel)(resume)
    app.command("retry", rich_help_panel=panel)(retry)


def start(
    workflow: Annotated[str, typer.Argument(help="Name of the workflow.", autocompletion=complete.workflows)],
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", "-i", metavar="NAME=VALUE", help="One input; the value is JSON, or else text."),
    ] = None,
    inputs_file: Annotated[Path | None, typer.Option("--inputs", help="A JSON or YAML file with all inputs.")] = None,
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end; exit status 0 only if it succeeded.")] = False,
    key: Annotated[
        str | None, typer.Option("--key", help="An idempotency key: the same key starts nothing again.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Start an instance of a workflow."""
    from engine.cli.client import Api
    from engine.cli.login import login_name

    api = Api()
    headers = {"Idempotency-Key": key} if key else None
    body = {"inputs": {**_read(inputs_file), **parse_pairs(inputs or [])}, "by": login_name()}
    started = api.post("workflows", workflow, "instances", body=body, headers=headers)
    if not wait:
        emit_json(started) if as_json else typer.echo(started["id"])
        return
    instance = _wait(api, started["id"])
    emit_json(instance) if as_json else typer.echo(f"{instance['id']}  {instance['state']}")
    raise typer.Exit(0 if instance["state"] == "succeeded" else 1)


def list_instances(
    workflow: Annotated[str | None, typer.Option(help="Only instances of this workflow.")] = None,
    state: Annotated[str | None, typer.Option(help="Only instances in this state.")] = None,
    parent: Annotated[str | None, typer.Option(help="Only those that tasks of this instance started.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most.")] = 20,
    *,
    as_json: AsJson = False,
) -> None:
    """List instances, newest first."""
    from engine.cli.client import Api

    page = Api().get("instances", workflow=workflow, state=state, parent=parent, limit=limit)
    if as_json:
        emit_json(page)
        return
    rows = [
        (
            row["id"],
            row["workflow"],
            row["state"],
            moment(row["started_at"]),
            moment(row["finished_at"]),
            row["started_by"],
        )
        for row in page["items"]
    ]
    emit_table(("ID", "WORKFLOW", "STATE", "STARTED", "FINISHED", "BY"), rows, empty="No instances.")


def get(
    instance: Instance,
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end.")] = False,
    scope: Annotated[str, typer.Option(help="Only the tasks that this task consists of, by its path.")] = "",
    every: Annotated[bool, typer.Option("--all", help="All tasks, however many there are.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show an instance and its tasks, each followed by what it consists of."""
    from engine.cli.client import Api
    from engine.core.keys import depth

    api = Api()
    found = _wait(api, instance) if wait else api.get("instances", instance)
    tasks, more = _tasks(api, instance, scope, every=every)
    if as_json:
        emit_json({**found, "tasks": tasks})
        return
    emit_fields(
        {
            "id": found["id"],
            "workflow": found["workflow"],
            "state": found["state"],
            "commit": found["commit"],
            "started": f"{moment(found['started_at'])} by {found['started_by']}",
            "finished": moment(found["finished_at"]),
            "parent": _parent(found["parent"]),
            "inputs": found["inputs"],
            "outputs": found["outputs"],
            "why": _why_it_ended(found["error"]),
        }
    )
    typer.echo()
    shown = tasks if every else tasks[:MOST_LINES]
    rows = [
        (
            "  " * depth(task["path"]) + task["path"],
            task["kind"],
            task["state"],
            task["attempt"] or "",
            _seconds(task),
            why_so(task),
        )
        for task in shown
    ]
    emit_table(("TASK", "KIND", "STATE", "ATTEMPT", "TOOK", "WHY"), rows, empty="No tasks.")
    if more or len(shown) < len(tasks):
        typer.echo(
            f"\nOnly the first {len(shown)} tasks are shown: --scope PATH shows what one consists of, --all all of them."
        )


def history(instance: Instance, *, as_json: AsJson = False) -> None:
    """Show every event an instance took, in order."""
    from engine.cli.client import Api

    rows = _all(Api(), instance, "history")
    if as_json:
        emit_json(rows)
        return
    table = [
        (
            row["seq"],
            moment(row["at"]),
            row["event"]["type"],
            "/".join(step for step in (row["scope"], row["event"].get("task")) if step),
            "" if row["accepted"] else "came too late, changed nothing",
        )
        for row in rows
    ]
    emit_table(("SEQ", "AT", "EVENT", "TASK", ""), table, empty="No events.")


def logs(
    instance: Instance,
    task: Annotated[str | None, typer.Argument(help="Path of one task.", autocompletion=complete.tasks)] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Print what the tasks of an instance wrote."""
    from engine.cli.client import Api

    lines = _all(Api(), instance, "logs", path=task)
    if as_json:
        emit_json(lines)
        return
    for line in lines:
        typer.echo(line["text"] if task else f"{line['path']}  {line['text']}")


def cancel(
    instance: Instance,
    reason: Annotated[str, typer.Option(help="Why; shown with the instance.")] = "",
    task: Annotated[str | None, typer.Option(help="Path of the one task to cancel.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Cancel an instance: what runs is stopped, `finally` still runs. With --task, one task and what it consists of."""
    if task is not None:
        from engine.cli.events import end_task

        end_task(instance, task, "cancel", {"reason": reason}, "cancelling", as_json=as_json)
        return
    _steer(instance, "cancel", {"reason": reason}, "cancelling", as_json=as_json)


def pause(
    instance: Instance,
    reason: Annotated[str, typer.Option(help="Why; shown with the instance.")] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Pause an instance: nothing new starts, what runs ends."""
    _steer(instance, "pause", {"reason": reason}, "pausing", as_json=as_json)


def resume(instance: Instance, *, as_json: AsJson = False) -> None:
    """Let a paused instance go on."""
    _steer(instance, "resume", {}, "going on", as_json=as_json)


def retry(
    instance: Instance,
    tasks: Annotated[
        list[str] | None, typer.Argument(help="Paths of tasks to run again; by default the unhandled failures.")
    ] = None,
    *,
    newest: Annotated[
        bool, typer.Option("--newest", help="Go on with the workflow's newest version, if it fits.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Retry an instance that has ended, from its failed tasks or from those named."""
    body = {"tasks": tasks or [], "version": "newest" if newest else "same"}
    _steer(instance, "retry", body, "going on", as_json=as_json)


def _steer(instance: str, verb: str, body: dict[str, Any], said: str, *, as_json: bool) -> None:
    from engine.cli.client import Api
    from engine.cli.login import login_name

    answer = Api().post("instances", instance, verb, body={"by": login_name(), **body})
    emit_json(answer) if as_json else typer.echo(f"{instance}  {said}")


def _wait(api: Any, instance: str) -> Any:
    while True:
        found = api.get("instances", instance, wait=30)
        if found["state"] in FINAL:
            return found


def _tasks(api: Any, instance: str, scope: str, *, every: bool) -> tuple[list[Any], bool]:
    """The tasks of an instance, and whether there are more of them."""
    rows: list[Any] = []
    after: str | None = None
    while True:
        part = api.get("instances", instance, "tasks", scope=scope, after=after)
        rows += part["items"]
        after = part["next"]
        if after is None or not every:
            return rows, after is not None


def _all(api: Any, instance: str, record: str, **query: object) -> list[Any]:
    rows: list[Any] = []
    after: int | None = 0
    while after is not None:
        part = api.get("instances", instance, record, after=after, **query)
        rows += part["items"]
        after = part["next"]
    return rows


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    import yaml

    try:
        values = yaml.safe_load(path.read_bytes())
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise typer.BadParameter(f"{path} cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise typer.BadParameter(f"{path} holds no map of inputs")
    return values


def parse_json(text: str) -> Any:
    """Raises ValueError, also for what Python takes for JSON and nobody else does."""
    import json

    return json.loads(text, parse_constant=_no_number)


def parse_pairs(pairs: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for pair in pairs:
        name, found, text = pair.partition("=")
        if not found:
            raise typer.BadParameter(f"{pair!r} is not NAME=VALUE")
        try:
            values[name] = parse_json(text)
        except ValueError:
            values[name] = text
    return values


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _why_it_ended(error: dict[str, Any] | None) -> str:
    """Who cancelled it, its own error, or the tasks whose failures nobody handled: the table says what was wrong with them."""
    if not error:
        return ""
    cancelled = error.get("cancelled")
    if cancelled:
        return f"cancelled by {cancelled['by']}" + (f": {cancelled['reason']}" if cancelled["reason"] else "")
    own = error["error"]
    if own:
        return str(own["message"])
    return ", ".join(f"{failure['path']} {failure['outcome']}" for failure in error["failures"])


def _seconds(task: dict[str, Any]) -> str:
    from datetime import datetime

    began, ended = task["ready_at"] or task["started_at"], task["finished_at"]
    if not began or not ended:
        return ""
    took = datetime.fromisoformat(ended) - datetime.fromisoformat(began)
    return f"{took.total_seconds():.1f} s"


def _parent(parent: dict[str, Any] | None) -> str:
    return f"{parent['instance']}, for its task {parent['path']}" if parent else ""


def _meanwhile(task: dict[str, Any]) -> str:
    if task["cached"]:
        return "cached"
    if task["gate"]:
        return "waits for its turn" if task["gate"] == "rate" else "waits for a slot"
    if task["waits_for"]:
        return f"waits for {task['waits_for']}"
    if task["by"]:
        return f"by {task['by']}"
    if task["items"]:
        items = task["items"]
        return f"{items['succeeded'] + items['failed']} of {items['total']} items ended" + (
            f", {items['failed']} not well" if items["failed"] else ""
        )
    if task["iterations"]:
        return f"iteration {task['iterations']['number']}"
    return f"instance {task['child']}" if task["child"] else ""


def why_so(task: dict[str, Any]) -> str:
    """What there is to say of a task besides its state: its error, why it was skipped, what it waits for."""
    error, skipped = task["error"], task["skipped"]
    if error:
        return f"{error['kind']}: {error['message']}"
    if not skipped:
        return _meanwhile(task)
    if skipped["cause"] == "edge":
        return f"needs {skipped.get('edge')}, got {skipped.get('got')}"
    return f"if: {skipped.get('condition')}" if skipped["cause"] == "condition" else "its scope ended"
