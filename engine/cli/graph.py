"""`headrace graph`: a workflow as a picture, in the terminal or in a file."""

from __future__ import annotations

import os
import re
import shutil
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.output import STATE_STYLE

if TYPE_CHECKING:
    from engine.core.model import Definition
    from engine.web.sketch import Sketch
    from engine.web.text_graph import Line

WIDTH = 80
"""Columns where nobody says how many there are."""
MOST = 200
"""Scopes of an instance that are drawn: items, iterations and groups."""
_INSTANCE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Format(StrEnum):
    """How it is drawn."""

    text = "text"
    mermaid = "mermaid"
    svg = "svg"


SUFFIXES = {".svg": Format.svg, ".mmd": Format.mermaid, ".mermaid": Format.mermaid}


def register(app: typer.Typer) -> None:
    """Add `graph`."""
    app.command("graph", rich_help_panel="Write workflows")(graph)


def graph(
    workflow: Annotated[
        str,
        typer.Argument(
            metavar="FILE|WORKFLOW|INSTANCE",
            help="A file, the name of a loaded workflow, or the id of an instance, whose tasks have states.",
        ),
    ],
    form: Annotated[
        Format | None, typer.Option("--format", help="Default: what the name of FILE ends with, or text.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it to a file.")] = None,
) -> None:
    """Draw a workflow or an instance: its tasks, what they wait for, and what they consist of."""
    from engine.web.mermaid import chart
    from engine.web.sketch import sketch
    from engine.web.standalone import standalone

    form = form or (SUFFIXES.get(output.suffix, Format.text) if output else Format.text)
    if _INSTANCE.fullmatch(workflow):
        if form is Format.svg:
            raise typer.BadParameter("the page of an instance has its picture; here there is text and mermaid")
        drawn = _instance(workflow)
    else:
        definition = _definition(workflow)
        if form is Format.svg:
            _write(standalone(definition), output)
            return
        drawn = sketch(definition)
    if form is Format.mermaid:
        _write(chart(drawn), output)
    else:
        _text(drawn, output)


def _instance(name: str) -> Sketch:
    from engine.cli.client import Api
    from engine.cli.instance_sketch import sketch_of
    from engine.cli.instances import why_so

    api = Api()
    rows = api.get("instances", name, "tasks", limit=MOST)["items"]
    return sketch_of(api.get("instances", name)["workflow"], rows, [why_so(row) for row in rows])


def _definition(workflow: str) -> Definition:
    path = Path(workflow)
    if path.is_file():
        return _compiled(workflow, path.read_bytes())
    if path.is_dir() or "/" in workflow or path.suffix:
        typer.echo(f"headrace: {workflow} is no file", err=True)
        raise typer.Exit(2)
    from engine.cli.client import Api

    found = Api().get("workflows", workflow)
    return _compiled(found["active"]["path"], found["text"].encode())


def _compiled(path: str, text: bytes) -> Definition:
    """What a file holds by itself: it can be drawn whatever the files beside it are like."""
    from engine.lint.reporters import text as report
    from engine.spec.load import load_one

    definition, findings = load_one(path, text)
    if definition is None:
        sys.stderr.write(report.report(findings, {path: text}))
        raise typer.Exit(1)
    return definition


def _text(drawn: Sketch, output: Path | None) -> None:
    from engine.web.rails import ASCII, UNICODE
    from engine.web.text_graph import lines

    encoding = "utf-8" if output else (sys.stdout.encoding or "ascii")
    terminal = output is None and sys.stdout.isatty()
    width = shutil.get_terminal_size((WIDTH, 24)).columns if terminal else WIDTH
    signs = UNICODE if _can(encoding, UNICODE.within + "".join(UNICODE.rails.values())) else ASCII
    show = _styled if terminal and "NO_COLOR" not in os.environ else _plain
    text = "".join(f"{show(line)}\n" for line in lines(drawn, signs, width))
    _write(text.encode(encoding, "replace").decode(encoding), output)


def _plain(line: Line) -> str:
    return f"{line.rails}{line.name}{line.text}"


def _styled(line: Line) -> str:
    colour = STATE_STYLE.get(line.state)
    name = typer.style(line.name, bold=True) if line.name else ""
    text = typer.style(line.text, fg=colour, dim=colour is None) if line.text else ""
    return f"{line.rails}{name}{text}"


def _can(encoding: str, signs: str) -> bool:
    try:
        signs.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, "utf-8")
    except OSError as error:
        typer.echo(f"headrace: {output} cannot be written: {error.strerror}", err=True)
        raise typer.Exit(2) from None
