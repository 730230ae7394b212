"""Draws peers beside ours as small bar charts in one SVG, readable on light and on dark pages."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from benchmarks.aims import P50, RATE, TOTAL
from benchmarks.figures import Figures, Spread, number

OURS = ("workers", "postgres")
NAMES = {
    "workers": "Headrace, two workers",
    "postgres": "Headrace, separate",
    "restate": "Restate, steps",
    "restate-calls": "Restate, calls",
    "dbos": "DBOS",
    "temporal": "Temporal, dev server",
    "dramatiq": "Dramatiq, not durable",
    "celery": "Celery, not durable",
    "prefect": "Prefect, records only",
}
CHARTS = (
    ("chain", RATE, "Chains: tasks a second", "longer is better"),
    ("fanout", RATE, "100 side by side and a join: tasks a second", "longer is better"),
    ("wide", RATE, "1,000 side by side and a join: tasks a second", "longer is better"),
    ("sequential", TOTAL, "40 tasks in sequence: milliseconds", "shorter is better"),
    ("latency", P50, "One task, start to end: milliseconds, p50", "shorter is better"),
    ("memory", "idle_mib", "Memory at rest: MiB", "shorter is better"),
)
STYLE = """
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 14px } .note, .value { fill: #57606a; font-size: 12px }
.page { fill: #ffffff } .bar { fill: #afb8c1 } .ours { fill: #0969da } .spread { stroke: #24292f; stroke-width: 1.5 }
.axis { stroke: #d0d7de }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .note, .value { fill: #9198a1 } .page { fill: #0d1117 } .bar { fill: #57606a }
.ours { fill: #4493f8 } .spread { stroke: #e6edf3 } .axis { stroke: #3d444d }
}
"""
WIDTH, COLUMNS = 960, 2
PANEL, NAME, VALUE, GAP = 450, 165, 55, 20
ROW, BAR, HEAD, FOOT = 22, 14, 50, 22


def draw(figures: Figures) -> str:
    """The SVG."""
    height_of = HEAD + ROW * len(NAMES) + FOOT
    rows = -(-len(CHARTS) // COLUMNS)
    height = GAP * 2 + rows * height_of
    charts = [
        line
        for index, chart in enumerate(CHARTS)
        for line in _chart(figures, chart, GAP + index % COLUMNS * (PANEL + GAP), GAP + index // COLUMNS * height_of)
    ]
    body = "\n".join(charts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="Headrace beside other engines: throughput, latency, memory">\n<style>{STYLE}</style>\n'
        f'<rect class="page" width="{WIDTH}" height="{height}" rx="8"/>\n{body}\n</svg>\n'
    )


def _chart(figures: Figures, chart: tuple[str, str, str, str], left: int, top: int) -> Iterator[str]:
    workload, metric, title, note = chart
    found = {who: spread for who in NAMES if (spread := figures.of(who, workload, metric))}
    yield f'<text class="title" x="{left}" y="{top + 16}">{escape(title)}</text>'
    yield f'<text class="note" x="{left}" y="{top + 34}">{note}; thin line: smallest to largest</text>'
    most = max((max(spread.values) for spread in found.values()), default=1)
    scale = (PANEL - NAME - VALUE) / most
    start = left + NAME
    yield f'<path class="axis" d="M{start} {top + HEAD - 6}v{ROW * len(NAMES)}"/>'
    for index, (who, name) in enumerate(NAMES.items()):
        row = top + HEAD + index * ROW
        kind = "bar ours" if who in OURS else "bar"
        yield from _bar(name, kind, found.get(who), scale, (start, row))


def _bar(name: str, kind: str, found: Spread | None, scale: float, at: tuple[int, int]) -> Iterator[str]:
    start, top = at
    middle = top + BAR / 2
    yield f'<text x="{start - 8}" y="{middle + 4.5}" text-anchor="end">{escape(name)}</text>'
    if found is None:
        yield f'<text class="value" x="{start + 6}" y="{middle + 4.5}">not measured</text>'
        return
    long, low, high = (start + value * scale for value in (found.middle, min(found.values), max(found.values)))
    yield f'<rect class="{kind}" x="{start}" y="{top}" width="{long - start:.1f}" height="{BAR}" rx="2"/>'
    yield f'<path class="spread" d="M{low:.1f} {middle}H{high:.1f}"/>'
    yield f'<text class="value" x="{max(long, high) + 6:.1f}" y="{middle + 4.5}">{number(found.middle)}</text>'
