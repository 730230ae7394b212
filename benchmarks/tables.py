"""The tables of docs/benchmarks.md: ratios first, then what is behind them, then the aims."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.aims import AIMS, P50, P99, RATE, TOTAL, Aim
from benchmarks.compared import PEERS
from benchmarks.figures import Figures, Spread, number
from benchmarks.rounds import Figure, ratio

TITLES = {
    "workers": "Headrace, two worker processes",
    "postgres": "Headrace, separate processes",
    "combined": "Headrace, one worker process",
    "sqlite": "Headrace, SQLite and memory",
    "dev": "`headrace dev`",
    **{name: peer.title for name, peer in PEERS.items()},
}
COMPARED = (("chain", RATE), ("fanout", RATE), ("wide", RATE), ("sequential", TOTAL), ("latency", P50))
BEHIND = (
    ("chain", RATE, "`chain` tasks/s"),
    ("fanout", RATE, "`fanout` tasks/s"),
    ("wide", RATE, "`wide` tasks/s"),
    ("sequential", TOTAL, "`sequential` ms"),
    ("latency", P50, "`latency` p50 ms"),
    ("latency", P99, "p99 ms"),
    ("memory", "idle_mib", "memory idle, MiB"),
    ("memory", "load_mib", "under load"),
    ("idle", "cpu_percent", "idle, % of a core"),
)
NONE = "–"


def ratios(figures: Figures, about: Mapping[str, Any], ours: str) -> str:
    """How many times as fast ours is as each peer."""
    head = ["as fast as", "which keeps", *(f"`{workload}`" for workload, _ in COMPARED)]
    rows = [
        [
            _versioned(name, about),
            PEERS[name].durability,
            *(_times(figures, ours, name, *of) for of in COMPARED),
        ]
        for name in PEERS
        if name in {figure.group for figure in figures.all}
    ]
    absent = [
        f"{PEERS[name].title} is absent: {facts['absent']}."
        for name, facts in sorted(about.get("peers", {}).items())
        if "absent" in facts
    ]
    return "\n\n".join([_table(head, rows), *absent])


def _times(figures: Figures, ours: str, peer: str, workload: str, metric: str) -> str:
    found = figures.times(ours, peer, workload, metric)
    return f"**{found} ×** ({found.range})" if found else NONE


def _versioned(name: str, about: Mapping[str, Any]) -> str:
    facts = about.get("peers", {}).get(name, {})
    return f"{PEERS[name].title} ({facts['version']})" if "version" in facts else PEERS[name].title


def behind(figures: Figures) -> str:
    """The figures behind the ratios, ours and theirs."""
    rows = [
        [title, *(str(figures.of(who, workload, metric) or NONE) for workload, metric, _ in BEHIND)]
        for who, title in TITLES.items()
        if any(figures.of(who, workload, metric) for workload, metric, _ in BEHIND)
    ]
    return _table(["", *(title for _, _, title in BEHIND)], rows)


def ours(figures: Figures) -> str:
    """Every metric of our stacks, with its spread and, where it has baselines, what they did in the same rounds."""
    rows = [
        [
            *(figure.who, f"`{figure.workload}`", f"`{figure.metric}`"),
            *(f"**{Spread(figure.values)}**", Spread(figure.values).range, _beside(figures, figure)),
        ]
        for figure in figures.all
        if figure.who in {figure.group, "none"} - PEERS.keys()
    ]
    return _table(["stack", "workload", "metric", "median", "min – max", "beside it, in the same rounds"], rows)


def _beside(figures: Figures, figure: Figure) -> str:
    others = [
        other
        for other in figures.all
        if (other.group, other.workload) == (figure.group, figure.workload) and other.who != figure.who
    ]
    if figure.metric != RATE:
        return ""
    return "; ".join(
        f"**{Spread(ratio(figure, other))} ×** {other.who} ({Spread(other.values)})"
        if other.metric == RATE
        else f"{Spread(other.values)} {other.metric}"
        for other in others
    )


def aims(figures: Figures) -> str:
    """What should be reached, and what is."""
    return _table(["", "aim", "measured", "min – max", ""], [_aim(figures, aim) for aim in AIMS])


def _aim(figures: Figures, aim: Aim) -> list[str]:
    bound = f"≥ {number(aim.at_least)}" if aim.at_least else f"≤ {number(aim.at_most)}"
    what = f"{TITLES[aim.stack]}: `{aim.workload}` `{aim.metric}`"
    if aim.over:
        found = figures.times(aim.stack, aim.over, aim.workload, aim.metric)
        what, bound = f"{what}, times {TITLES[aim.over]}", f"{bound} ×"
    else:
        found = figures.of(aim.stack, aim.workload, aim.metric)
    if found is None:
        return [what, bound, NONE, NONE, "not measured"]
    return [what, bound, f"**{found}**", found.range, _verdict(aim, found.middle)]


def _verdict(aim: Aim, value: float) -> str:
    missed = aim.missed_by(value)
    return f"missed: {missed:.0%} {'below' if aim.at_least else 'above'}" if missed > 0 else "met"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
