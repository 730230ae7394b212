"""`headrace test`: workflows proved right on a virtual clock, before anybody merges them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from engine.cli.lint import files_below
from engine.cli.output import AsJson

if TYPE_CHECKING:
    from engine.simulate.files import Report

_SUFFIXES = (".test.yaml", ".test.yml")

MUCH = 64 * 1024
"""Bytes of tests, some hundred cases, from which on further processes are worth their start."""

LOOK = 0.3
"""Seconds between two looks at the files in watch mode."""

Paths = Annotated[
    list[Path] | None, typer.Argument(help="Files or folders with workflows and their tests. Default: workflows.")
]


def register(app: typer.Typer) -> None:
    """Add `test`."""
    app.command("test", rich_help_panel="Write workflows")(run_tests)


def run_tests(
    paths: Paths = None,
    *,
    only: Annotated[
        str, typer.Option("-k", metavar="TEXT", help="Only cases whose name or workflow contains this.")
    ] = "",
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Show which tasks, edges and outcomes no case has seen.")
    ] = False,
    at_least: Annotated[
        float | None,
        typer.Option("--coverage-min", metavar="PERCENT", help="Fail if fewer tasks, edges or outcomes were seen."),
    ] = None,
    junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Also write JUnit's XML.")] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", "-j", metavar="N", min=1, help="Processes to run in. Default: all, where there is much."
        ),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Run again whenever a file changes.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run the tests of workflows (`*.test.yaml`): on mocks and a virtual clock, so nothing real happens."""
    wanted = paths or [Path("workflows")]

    def once() -> int:
        return _once(wanted, only=only, coverage=coverage, at_least=at_least, junit=junit, jobs=jobs, as_json=as_json)

    if not watch:
        raise typer.Exit(once())
    watch_files(wanted, once, lambda: time.sleep(LOOK))


def watch_files(paths: list[Path], once: Callable[[], int], wait: Callable[[], None]) -> None:
    """Run `once` whenever a file has changed since; `wait` passes the time between two looks."""
    seen: dict[Path, float] | None = None
    while True:
        now = _times(paths)
        if now != seen:
            if seen is not None:
                typer.echo(f"--- {time.strftime('%H:%M:%S')} changed: {', '.join(_changed(seen, now))}")
            seen = now
            once()
        wait()


def _times(paths: list[Path]) -> dict[Path, float]:
    found = {}
    for path in chosen(paths).all:
        with suppress(OSError):  # an editor that writes anew has it away for a moment
            found[path] = path.stat().st_mtime
    return found


def _changed(before: dict[Path, float], now: dict[Path, float]) -> list[str]:
    return sorted({path.name for path, at in before.items() ^ now.items()})


class Chosen(NamedTuple):
    """Files to run, and files beside them that these may need."""

    files: list[Path]
    beside: list[Path]

    @property
    def all(self) -> list[Path]:
        """Both."""
        return [*self.files, *self.beside]


def chosen(paths: list[Path]) -> Chosen:
    """All files of the folders named; of a file that is named alone the test or the workflow, with what stands beside it."""
    files: list[Path] = []
    near: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += files_below([path])
            continue
        name = path.name.removesuffix(".test.yaml").removesuffix(".test.yml")
        files += [entry for entry in files_below([path]) if entry == path]
        if name == path.name:
            files += [entry for suffix in _SUFFIXES if (entry := path.with_name(path.stem + suffix)).is_file()]
        near += [entry for entry in files_below([path.parent]) if not entry.name.endswith(_SUFFIXES)]
    own = list(dict.fromkeys(files))
    return Chosen(own, [path for path in dict.fromkeys(near) if path not in own])


def _once(
    paths: list[Path],
    *,
    only: str,
    coverage: bool,
    at_least: float | None,
    junit: Path | None,
    jobs: int | None,
    as_json: bool,
) -> int:
    from engine.simulate.files import is_test, run_files
    from engine.simulate.forked import processors
    from engine.simulate.reporters import json as json_report
    from engine.simulate.reporters import junit as junit_report
    from engine.simulate.reporters import text as text_report

    found = chosen(paths)
    texts = {str(path): path.read_bytes() for path in found.all}
    much = sum(len(text) for path, text in texts.items() if is_test(path)) >= MUCH
    processes = jobs or (processors() if much else 1)
    report = run_files(texts, only=only, beside={str(path) for path in found.beside}, processes=processes)
    shown = coverage or at_least is not None
    sys.stdout.write(json_report.report(report) if as_json else text_report.report(report, coverage=shown))
    if junit is not None:
        try:
            junit.write_text(junit_report.report(report), "utf-8")
        except OSError as error:
            typer.echo(f"headrace: {junit} cannot be written: {error.strerror}", err=True)
            return 2
    return _status(report, at_least)


def _status(report: Report, at_least: float | None) -> int:
    """2: nothing to run; 1: something failed, or too little was seen."""
    from engine.simulate.coverage import totals

    if not report.cases and not report.findings:
        typer.echo("headrace: no tests here; write them to NAME.test.yaml beside NAME.yaml", err=True)
        return 2
    if report.findings or report.failed:
        return 1
    if at_least is None:
        return 0
    short = {what: share for what, share in totals(list(report.coverage.values())) if share < at_least}
    for what, share in short.items():
        typer.echo(f"headrace: {share:.0f} % of the {what} were seen; at least {at_least:g} % are asked for", err=True)
    return 1 if short else 0
