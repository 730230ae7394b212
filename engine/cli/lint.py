"""`headrace lint`: what is wrong with workflow files, before anybody merges them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.output import AsJson

Paths = Annotated[
    list[Path] | None, typer.Argument(help="Files or folders with workflows and project.yaml. Default: workflows.")
]


def register(app: typer.Typer) -> None:
    """Add `lint`."""
    app.command("lint", rich_help_panel="Write workflows")(lint)


def lint(paths: Paths = None, *, as_json: AsJson = False) -> None:
    """Check workflow files. Exit status 1 if there are errors, 0 if not (warnings are printed)."""
    from engine.lint.linter import lint as lint_files
    from engine.lint.reporters import json as json_report
    from engine.lint.reporters import text as text_report

    files = {str(path): path.read_bytes() for path in files_below(paths or [Path("workflows")])}
    if not files:
        typer.echo("headrace: no workflow files here; name a file or a folder", err=True)
        raise typer.Exit(2)
    findings = lint_files(files)
    report = json_report if as_json else text_report
    sys.stdout.write(report.report(findings, files))
    raise typer.Exit(1 if any(finding.severity == "error" for finding in findings) else 0)


def files_below(paths: list[Path]) -> Iterator[Path]:
    """The files named, those in the folders named, and the project.yaml beside a file that was named alone."""
    seen: set[Path] = set()
    for path in paths:
        if path.is_dir():
            found = sorted(entry for pattern in ("*.yaml", "*.yml") for entry in path.rglob(pattern))
        elif path.is_file():
            found = [path, path.with_name("project.yaml")]
        else:
            typer.echo(f"headrace: {path} does not exist", err=True)
            raise typer.Exit(2)
        for entry in found:
            if entry not in seen and entry.is_file():
                seen.add(entry)
                yield entry
