"""For people in a terminal: what failed, why, and what happened when."""

from __future__ import annotations

from collections.abc import Iterator

from engine.simulate.coverage import COUNTED, Coverage, totals
from engine.simulate.files import Ran, Report

MOST_LINES = 40
"""Lines of a failed case's timeline that are shown."""


def report(found: Report, *, coverage: bool = False) -> str:
    """The findings, the failed cases with their timelines, perhaps the coverage, and how many passed."""
    lines = [str(finding) for finding in found.findings]
    for case in found.failed:
        lines += _failed(case)
    if coverage:
        lines += _coverage(list(found.coverage.values()))
    passed = len(found.cases) - len(found.failed)
    seconds = sum(case.seconds for case in found.cases)
    lines.append(f"{passed} passed, {len(found.failed)} failed in {seconds:.2f} s")
    return "\n".join(lines) + "\n"


def _failed(case: Ran) -> Iterator[str]:
    yield f"{case.path}:{case.line}: {case.workflow}: {case.case}"
    yield from (f"  {problem}" for problem in case.problems)
    if case.timeline:
        yield "  what happened:"
        yield from (f"    {line}" for line in case.timeline[:MOST_LINES])
        if len(case.timeline) > MOST_LINES:
            yield f"    … and {len(case.timeline) - MOST_LINES} more"
    yield ""


def _coverage(found: list[Coverage]) -> Iterator[str]:
    width = max([len(one.workflow) for one in found] + [8])
    yield f"{'workflow':<{width}}   tasks   edges  outcomes"
    for one in found:
        yield _shares(one.workflow, width, {what: one.percent(what) for what in COUNTED})
        yield from (f"{'':<{width}}  not seen: {name}" for name in one.missed)
        yield from (f"{'':<{width}}  never unsatisfied: {name}" for name in one.always)
    yield _shares("all", width, dict(totals(found)))
    yield ""


def _shares(name: str, width: int, shares: dict[str, float]) -> str:
    return f"{name:<{width}}  {shares['tasks']:4.0f} %  {shares['edges']:4.0f} %  {shares['outcomes']:6.0f} %"
