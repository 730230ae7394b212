"""`headrace new`: a workflow to begin with, and its test, made from an example."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.output import AsJson, emit_json, emit_table

DEFAULT = "hello"


def register(app: typer.Typer) -> None:
    """Add `new`."""
    app.command("new", rich_help_panel="Write workflows")(new)


def new(
    name: Annotated[str | None, typer.Argument(help="Name of the new workflow. Default: that of the example.")] = None,
    source: Annotated[str, typer.Option("--from", metavar="EXAMPLE", help="The example to begin with.")] = DEFAULT,
    folder: Annotated[Path, typer.Option("--folder", help="Where it is written.")] = Path("workflows"),
    *,
    listing: Annotated[bool, typer.Option("--list", help="Show the examples, and write nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a workflow of this name and its test.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a workflow and its test, and what they need of project.yaml if there is none yet."""
    from engine.cli.examples import examples

    known = examples()
    if listing:
        rows = {example.name: example.definition.description for example in known.values()}
        emit_json(rows) if as_json else emit_table(("EXAMPLE", "WHAT IT IS"), list(rows.items()), empty="No examples.")
        return
    if source not in known:
        _refuse(f"there is no example {source}; `headrace new --list` shows them")
    name = name or source
    _check_name(name)
    written = _write(folder, _files(folder, name, source), force=force)
    if as_json:
        emit_json({"files": written})
        return
    for path in written:
        typer.echo(path)
    typer.echo(f"\nNow edit {written[0]}, and run `headrace lint {folder}` and `headrace test {folder}`.")


def _files(folder: Path, name: str, source: str) -> dict[Path, str]:
    """What is to be written: the two files of the workflow, then what it needs and is not there yet."""
    from engine.cli.example_project import cut_down
    from engine.cli.examples import PROJECT, examples, needed, project

    known = examples()
    own = known[source].called(name)
    files = {folder / f"{name}.yaml": own.text, folder / f"{name}.test.yaml": own.test}
    for other in needed(known[source], known):
        if other.name != name and not (folder / f"{other.name}.yaml").exists():
            files[folder / f"{other.name}.yaml"] = other.text
            files[folder / f"{other.name}.test.yaml"] = other.test
    if not (folder / PROJECT).exists():
        files[folder / PROJECT] = cut_down(project(), "".join(files.values()))
    return files


def _write(folder: Path, files: dict[Path, str], *, force: bool) -> list[str]:
    there = [str(path) for path in files if path.exists()]
    if there and not force:
        _refuse(f"{' and '.join(there)} exist already; `--force` overwrites")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            path.write_text(text, "utf-8")
    except OSError as error:
        _refuse(f"{folder} cannot be written to: {error.strerror}")
    return [str(path) for path in files]


def _check_name(name: str) -> None:
    from engine.spec.fields import NAME

    if not re.fullmatch(NAME, name):
        _refuse(f"{name!r} is no name of a workflow: small letters, digits and -, the first one a letter")


def _refuse(why: str) -> None:
    typer.echo(f"headrace: {why}", err=True)
    raise typer.Exit(2)
