"""`headrace plan`: what merging does, before anybody merges."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.lint import files_below
from engine.cli.output import AsJson, emit_json

if TYPE_CHECKING:
    from engine.app.plan.affected import Running
    from engine.app.plan.model import Plan
    from engine.app.plan.snapshot import Snapshot


Files = Mapping[str, bytes]


class Format(StrEnum):
    """Whom the plan is for."""

    text = "text"
    json = "json"
    markdown = "markdown"


def register(app: typer.Typer) -> None:
    """Add `plan`."""
    app.command("plan", rich_help_panel="Write workflows")(plan)


def plan(
    folder: Annotated[Path, typer.Argument(help="The folder with the workflows.")] = Path("workflows"),
    *,
    base: Annotated[
        str | None,
        typer.Option(metavar="COMMIT", help="Compare with this commit (a branch, a tag, an id), not with a server."),
    ] = None,
    head: Annotated[
        str | None, typer.Option(metavar="COMMIT", help="The commit to merge. Default: the files as they are now.")
    ] = None,
    form: Annotated[Format | None, typer.Option("--format", help="How it is printed. Default: text.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it to a file, and text here.")
    ] = None,
    fail_on_breaking: Annotated[
        bool, typer.Option("--fail-on-breaking", help="Exit status 1 if something breaks, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what merging does: what is added, changed and removed, what it breaks, and what goes on as it was.

    Compares with what the server at HEADRACE_API_URL has loaded, or with a commit. Exit status 1: it would be refused.
    """
    found, graphs = _made(folder, base, head)
    chosen = Format.json if as_json else form or Format.text
    if output is not None:
        _write(output, _printed(chosen, found, graphs))
        chosen = Format.text
    if chosen is Format.text:
        _show(found)
    elif chosen is Format.json:
        emit_json(found.to_json())
    else:
        sys.stdout.write(_printed(chosen, found, graphs))
    raise typer.Exit(1 if found.errors or (fail_on_breaking and found.breaking) else 0)


def _made(folder: Path, base: str | None, head: str | None) -> tuple[Plan, Mapping[str, str]]:
    from engine.app.plan.compare import compare
    from engine.app.plan.snapshot import of_files
    from engine.lint.linter import lint_loaded
    from engine.spec.load import load

    files, old = _files(folder, base, head)
    loaded = load(files)
    after = of_files(head or str(folder), loaded)
    before, running = _server() if old is None else (of_files(str(base), load(old)), {})
    errors = [finding for finding in lint_loaded(loaded) if finding.severity == "error"]
    found = compare(before, after, now=int(time.time() * 1000), running=running, findings=errors)
    return found, _graphs(found, before, after)


def _files(folder: Path, base: str | None, head: str | None) -> tuple[Files, Files | None]:
    """The files to merge, and those they are held against; None: what a server has."""
    from engine.adapters.git.clone import Clone
    from engine.errors import Rejected

    try:
        clone = Clone(folder) if base is not None or head is not None else None
        old = clone.files(clone.parting(base, head or "HEAD")) if clone and base else None
        if clone and head:
            return clone.files(head), old
    except Rejected as error:
        typer.echo(f"headrace: {error}", err=True)
        raise typer.Exit(2) from None
    return {str(path): path.read_bytes() for path in files_below([folder])}, old


def _server() -> tuple[Snapshot, Running]:
    """What the server has loaded, and what runs on it."""
    from engine.app.plan.snapshot import Entry, Snapshot
    from engine.cli.client import Api
    from engine.core.codec import definition_from_json
    from engine.core.project import Project

    body: dict[str, Any] = Api().get("definitions")
    project = Project() if body["project"] is None else Project.from_json(body["project"])
    workflows = {
        item["name"]: Entry(path=item["path"], definition=definition_from_json(item["document"]))
        for item in body["items"]
    }
    return Snapshot(name="the server", workflows=workflows, project=project), {
        item["name"]: item["unfinished"] for item in body["items"]
    }


def _graphs(found: Plan, before: Snapshot, after: Snapshot) -> dict[str, str]:
    """A flowchart of each workflow that is there afterwards, with what is different in it."""
    from engine.web.mermaid import flowchart

    graphs = {}
    for one in found.workflows:
        now, then = after.workflows.get(one.name), before.workflows.get(one.name)
        if now is not None:
            marks = {task.path: task.change for task in one.tasks if task.change == "changed"}
            graphs[one.name] = flowchart(now.definition, marks, before=then.definition if then else None)
    return graphs


def _printed(form: Format, found: Plan, graphs: Mapping[str, str]) -> str:
    import orjson

    from engine.cli import plan_markdown, plan_text

    if form is Format.markdown:
        return plan_markdown.report(found, graphs)
    if form is Format.json:
        return orjson.dumps(found.to_json(), option=orjson.OPT_INDENT_2).decode() + "\n"
    return "".join(f"{line}\n" for _, line in plan_text.report(found))


def _show(found: Plan) -> None:
    from rich.console import Console
    from rich.text import Text

    from engine.cli import plan_text

    console = Console(soft_wrap=True, highlight=False, markup=False)
    for style, line in plan_text.report(found):
        console.print(Text(line, style=style))


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        typer.echo(f"headrace: {file} cannot be written: {error.strerror}", err=True)
        raise typer.Exit(2) from None
