"""Runs workloads on stacks, and with `--peers` beside other engines; prints medians with their spread; `--json` keeps every value."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks import pieces, report, stack
from benchmarks.compared import PEERS
from benchmarks.engines import KNOWN
from benchmarks.rounds import Figure, keep, ratio

RATE = "tasks_per_s"
"""The metric whose ratio is printed."""


def show(figures: Sequence[Figure]) -> None:
    """The figures, then how many times that of the first subject each of the others is."""
    for figure in figures:
        print(
            f"{figure.group:<9} {figure.who:<26} {figure.workload:<11} {figure.metric:<22} {figure.median:>10,.1f}"
            f"  [{min(figure.values):,.1f} .. {max(figure.values):,.1f}] n={len(figure.values)}",
            flush=True,
        )
    rates = [figure for figure in figures if figure.metric == RATE]
    first = {figure.workload: figure for figure in reversed(rates)}
    for figure in rates:
        if figure is not (ours := first[figure.workload]):
            times = ratio(ours, figure)
            print(
                f"{ours.who} {ours.workload}: {median(times):.2f} x {figure.who} [{min(times):.2f} .. {max(times):.2f}]"
            )


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that what was started is stopped
    if sys.argv[1:2] == ["report"]:
        report.main(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, epilog="`report FILE` writes what a file holds into the docs."
    )
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"of {', '.join(KNOWN)}; default: all")
    parser.add_argument(
        "--stack", default="all", metavar="NAMES", help=f"all, none, or some of {','.join(stack.STACKS)}"
    )
    parser.add_argument("--peers", default="none", metavar="NAMES", help=f"all, none, or some of {','.join(PEERS)}")
    parser.add_argument("--bare", action="store_true", help="without the baselines of `postgres`, which are slow")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep every value, beside those of others there")
    given = parser.parse_args()
    workloads = chosen(parser, given.workloads or ["all"], KNOWN)
    stacks = chosen(parser, given.stack.split(","), list(stack.STACKS))
    peers = chosen(parser, given.peers.split(","), list(PEERS))
    for piece in run(workloads, stacks, peers, given.runs, bare=given.bare):
        show(piece.figures)
        for name, facts in piece.about.get("peers", {}).items():
            if "absent" in facts:
                print(f"{name} is absent: {facts['absent']}")
        if given.json:
            keep(given.json, piece.figures, piece.about)


def run(
    workloads: Sequence[str], stacks: Sequence[str], peers: Sequence[str], runs: int, *, bare: bool
) -> Iterator[pieces.Piece]:
    """All that was asked for."""
    if stacks:
        yield pieces.alone(workloads, runs)
        yield from pieces.stacks(stacks, workloads, runs, bare=bare)
        if "scaling" in workloads:
            yield pieces.several(runs)
    if peers:
        yield from pieces.peers(peers, workloads, runs)


def chosen(parser: argparse.ArgumentParser, names: Sequence[str], known: Sequence[str]) -> list[str]:
    """The names, all that are known, or none. Ends the program on one that is not known."""
    if unknown := set(names) - {*known, "all", "none"}:
        parser.error(f"no {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return list(known) if "all" in names else [name for name in names if name != "none"]


if __name__ == "__main__":
    main()
