"""`headrace lint`: what is wrong with workflow files, before anybody merges them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.output import AsJson

if TYPE_CHECKING:
    from engine.spec.findings import Finding

Paths = Annotated[
    list[Path] | None, typer.Argument(help="Files or folders with workflows and project.yaml. Default: workflows.")
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write them to a file, and print text beside it."),
]


class Format(StrEnum):
    """Whom the findings are for."""

    text = "text"
    json = "json"
    sarif = "sarif"
    github = "github"
    gitlab = "gitlab"
    junit = "junit"


def register(app: typer.Typer) -> None:
    """Add `lint`."""
    app.command("lint", rich_help_panel="Write workflows")(lint)


def lint(
    paths: Paths = None,
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Exit status 1 for warnings, too.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Make the fixes that leave the meaning as it is.")] = False,
    form: Annotated[Format | None, typer.Option("--format", help="How they are printed. Default: text.")] = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Check workflow files. Exit status 1 if there are errors, 0 if not (warnings and notes are printed)."""
    from engine.cli.garbage import unsearched
    from engine.lint.linter import lint as lint_files
    from engine.lint.reporters.formats import REPORTS

    report = REPORTS[_form(form, as_json=as_json)]
    files, beside = _read(paths or [Path("workflows")])
    if not files:
        typer.echo("headrace: no workflow files here; name a file or a folder", err=True)
        raise typer.Exit(2)
    with unsearched():
        found = _fixed(files, beside) if fix else lint_files({**beside, **files})
    findings = [finding for finding in found if finding.path in files or _is_wrong_project(finding)]
    if output is not None:
        _write(report(findings, files).encode(), output)
        report = REPORTS[Format.text]
    sys.stdout.write(report(findings, files))
    refused = ("error", "warning") if strict else ("error",)
    raise typer.Exit(1 if any(finding.severity in refused for finding in findings) else 0)


def _form(form: Format | None, *, as_json: bool) -> Format:
    if as_json and form not in (None, Format.json):
        typer.echo(f"headrace: --json and --format {form} are two formats; name one", err=True)
        raise typer.Exit(2)
    return Format.json if as_json else form or Format.text


def _write(data: bytes, file: Path) -> None:
    try:
        file.write_bytes(data)
    except OSError as error:
        typer.echo(f"headrace: {file} cannot be written: {error.strerror}", err=True)
        raise typer.Exit(2) from None


def _read(paths: list[Path]) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The files that were asked for, and those that they can name: all of the project that a single file belongs to."""
    files = {str(path): path.read_bytes() for path in files_below(paths)}
    alone = [path for path in paths if path.is_file()]
    beside = {str(path): path for path in files_below([_project_of(path) for path in alone])}
    return files, {name: path.read_bytes() for name, path in beside.items() if name not in files}


def _project_of(path: Path) -> Path:
    """The nearest folder that has a project.yaml, else the one that the file is in."""
    return next((folder for folder in path.parents if (folder / "project.yaml").is_file()), path.parent)


def _fixed(files: dict[str, bytes], beside: dict[str, bytes]) -> list[Finding]:
    """What is found once the safe fixes are made, and written."""
    from engine.lint.fixing import fix

    fixed = fix({**beside, **files}, files)
    for name, data in fixed.files.items():
        _write(data, Path(name))
        files[name] = data
    typer.echo(f"headrace: fixes made: {fixed.fixes}", err=True)
    return fixed.findings


def _is_wrong_project(finding: Finding) -> bool:
    """With errors in project.yaml much is not looked at."""
    named = Path(finding.path).name == "project.yaml" and finding.rule != "second-project"
    return named and finding.severity == "error"


def files_below(paths: list[Path]) -> Iterator[Path]:
    """The files named, and those in the folders named."""
    seen: set[Path] = set()
    for path in paths:
        if path.is_dir():
            found = sorted(entry for pattern in ("*.yaml", "*.yml") for entry in path.rglob(pattern))
        elif path.is_file():
            found = [path]
        else:
            typer.echo(f"headrace: {path} does not exist", err=True)
            raise typer.Exit(2)
        for entry in found:
            if entry not in seen and entry.is_file():
                seen.add(entry)
                yield entry
