"""`python -m tests.simulation --seeds 0:10000 -j 2`: many seeds, a line for each that fails, the shortest way to see it again."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.simulation.faults import KINDS
from tests.simulation.many import results
from tests.simulation.run import Run

SHOWN = 120
"""Lines of a trace that are shown."""


def main(arguments: list[str] | None = None) -> int:
    """1 if a seed failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", default="0:10000", help="FIRST:LAST, the last left out; or one seed")
    parser.add_argument("-j", type=int, default=2, help="processes")
    parser.add_argument("--faults", help=f"only these kinds, of: {', '.join(KINDS)}")
    parser.add_argument("--most", type=int, default=5, help="failures after which no more seeds are tried")
    parser.add_argument("--trace", action="store_true", help="show what happened in each seed")
    asked = parser.parse_args(arguments)
    first, _, last = asked.seeds.partition(":")
    seeds = range(int(first), int(last) if last else int(first) + 1)
    faults = None if asked.faults is None else frozenset(filter(None, asked.faults.split(",")))
    began = time.monotonic()
    tried, failed, happened, turns = 0, 0, Counter[str](), 0
    for found in results(seeds, asked.j, faults):
        tried += 1
        turns += found.turns
        happened.update(found.happened)
        if asked.trace or found.problems:
            failed += bool(found.problems)
            sys.stdout.write(report(found))
            sys.stdout.flush()
        if failed >= asked.most:
            break
    seconds = time.monotonic() - began
    kinds = ", ".join(f"{number} x {fault}" for fault, number in happened.most_common(12))
    sys.stdout.write(f"{tried} seeds, {failed} failed, {turns} turns, {seconds:.1f} s\n{kinds}\n")
    return 1 if failed else 0


def report(found: Run) -> str:
    """A run in words."""
    lines = [f"seed {found.seed}: {'failed' if found.problems else 'passed'}, trace {found.trace}"]
    lines += [f"  {problem}" for problem in found.problems]
    lines += [f"    {line}" for line in found.lines[-SHOWN:]]
    if found.problems:
        kinds = "" if found.faults is None else f" --faults '{','.join(sorted(found.faults))}'"
        lines.append(f"  again: python -m tests.simulation --seeds {found.seed} --trace{kinds}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
