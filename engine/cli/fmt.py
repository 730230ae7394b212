"""`headrace fmt`: workflow files in the one layout, with their comments."""

from __future__ import annotations

import sys
from difflib import unified_diff
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.lint import files_below

Paths = Annotated[list[Path] | None, typer.Argument(help="Files, or folders with workflows. Default: workflows.")]


def register(app: typer.Typer) -> None:
    """Add `fmt`."""
    app.command("fmt", rich_help_panel="Write workflows")(fmt)


def fmt(
    paths: Paths = None,
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit status 1 if a file would be changed.")
    ] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Write nothing; show what would be changed.")] = False,
) -> None:
    """Lay workflow files out in the one way: what they say and their comments stay. Exit status 1 if one cannot be read."""
    files = _files(paths or [Path("workflows")])
    states = [_one(path, check=check, diff=diff) for path in files]
    changed = states.count("changed")
    would = "would be " if check or diff else ""
    typer.echo(f"{changed} of {len(files)} files {would}changed", err=diff)
    raise typer.Exit(1 if "refused" in states or (check and changed) else 0)


def _one(path: Path, *, check: bool, diff: bool) -> str:
    """Whether the file is `changed`, `kept` or `refused`."""
    from engine.lint.reporters import text
    from engine.spec.formatting.format import formatted
    from engine.spec.formatting.units import Unformattable

    before = path.read_bytes()
    try:
        made = formatted(str(path), before)
    except Unformattable as reason:
        typer.echo(f"headrace: {path} stays as it is: {reason}", err=True)
        return "kept"
    if not isinstance(made, str):
        sys.stderr.write(text.report(made, {str(path): before}))
        return "refused"
    if made.encode() == before:
        return "kept"
    if diff:
        sys.stdout.writelines(_difference(str(path), before.decode("utf-8-sig"), made))
    else:
        typer.echo(f"{'would be changed' if check else 'changed'}: {path}")
    if not check and not diff:
        _write(path, made)
    return "changed"


def _files(paths: list[Path]) -> list[Path]:
    """Those named and those in the folders named, without what lint would take along."""
    found = [entry for path in paths for entry in files_below([path]) if path.is_dir() or entry == path]
    if not found:
        typer.echo("headrace: no workflow files here; name a file or a folder", err=True)
        raise typer.Exit(2)
    return list(dict.fromkeys(found))


def _difference(path: str, before: str, after: str) -> list[str]:
    return list(unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), path, path))


def _write(path: Path, text: str) -> None:
    try:
        path.write_bytes(text.encode())
    except OSError as error:
        typer.echo(f"headrace: {path} cannot be written: {error.strerror}", err=True)
        raise typer.Exit(2) from None
