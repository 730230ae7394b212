"""`headrace artifacts`: files that the tasks of an instance left."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import typer

from engine.cli.instances import Instance
from engine.cli.output import AsJson, emit_json, emit_table, moment


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("artifacts", rich_help_panel="Run workflows")(artifacts)


def artifacts(
    instance: Instance,
    task: Annotated[str | None, typer.Argument(help="Path of one task.")] = None,
    *,
    download: Annotated[
        Path | None, typer.Option("--download", "-d", metavar="DIR", help="Fetch them, to DIR/TASK/FILE.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List or fetch the files that the tasks of an instance left."""
    from engine.cli.client import Api

    api = Api()
    rows = _all(api, instance, task)
    if download is not None:
        rows = list(_latest(rows))
        for row in rows:
            place = _place(download, row)
            _fetch(api, instance, row, place)
            if not as_json:
                typer.echo(str(place))
    if as_json:
        emit_json(rows)
    elif download is None:
        table = [
            (row["path"], row["attempt"], row["name"], row["file"], row["size"], moment(row["at"])) for row in rows
        ]
        emit_table(("TASK", "ATTEMPT", "NAME", "FILE", "BYTES", "AT"), table, empty="No files.")


def _all(api: Any, instance: str, task: str | None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    before: str | None = None
    while True:
        page = api.get("instances", instance, "artifacts", path=task, before=before, limit=500)
        rows += page["items"]
        before = page["next"]
        if before is None:
            return rows[::-1]


def _latest(rows: list[dict[str, Any]]) -> Any:
    last: dict[str, int] = {}
    for row in rows:
        last[row["path"]] = max(last.get(row["path"], 0), row["attempt"])
    return (row for row in rows if row["attempt"] == last[row["path"]])


def _place(folder: Path, row: dict[str, Any]) -> Path:
    """Within the folder, whatever an API says."""
    from engine.errors import Rejected

    place = PurePosixPath(row["path"], row["file"])
    if place.is_absolute() or ".." in place.parts:
        raise Rejected(f"{str(place)!r} leads out of the folder")
    return folder / place


def _fetch(api: Any, instance: str, row: dict[str, Any], place: Path) -> None:
    """Whole or not at all: what broke off does not stay under the name of what was wanted."""
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f".{place.name[:200]}.part")
    try:
        with part.open("wb") as file:
            api.download("instances", instance, "artifacts", row["id"], to=file)
        if row["executable"]:
            part.chmod(0o755)
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)
