"""`headrace graph`: a workflow as a picture, in the terminal or in a file."""

from __future__ import annotations

import shutil
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from engine.core.model import Definition

WIDTH = 80
"""Columns where nobody says how many there are."""


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
    workflow: Annotated[str, typer.Argument(metavar="FILE|WORKFLOW", help="A file, or the name of a loaded workflow.")],
    form: Annotated[
        Format | None, typer.Option("--format", help="Default: what the name of FILE ends with, or text.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it to a file.")] = None,
) -> None:
    """Draw a workflow: its tasks, what they wait for, and what they consist of."""
    from engine.web.mermaid import flowchart
    from engine.web.standalone import standalone

    definition = _definition(workflow)
    form = form or (SUFFIXES.get(output.suffix, Format.text) if output else Format.text)
    if form is Format.text:
        _text(definition, output)
    else:
        _write(standalone(definition) if form is Format.svg else flowchart(definition), output)


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


def _text(definition: Definition, output: Path | None) -> None:
    from engine.web.rails import ASCII, UNICODE
    from engine.web.sketch import sketch
    from engine.web.text_graph import lines

    encoding = "utf-8" if output else (sys.stdout.encoding or "ascii")
    styled = output is None and sys.stdout.isatty()
    width = shutil.get_terminal_size((WIDTH, 24)).columns if styled else WIDTH
    signs = UNICODE if _can(encoding, UNICODE.within + "".join(UNICODE.rails.values())) else ASCII
    drawn = []
    for line in lines(sketch(definition), signs, width):
        name, text = (
            (typer.style(line.name, bold=True), typer.style(line.text, dim=True)) if styled else (line.name, line.text)
        )
        drawn.append(f"{line.rails}{name}{text}\n")
    text = "".join(drawn)
    _write(text.encode(encoding, "replace").decode(encoding), output)


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
