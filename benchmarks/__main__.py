"""Runs workloads and prints medians beside their baselines; `--json` keeps them for a comparison."""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import baselines, linting, simulated, stack
from benchmarks.workloads import WORKLOADS

STACKS = {"sqlite": (stack.sqlite,), "postgres": (stack.postgres,), "both": (stack.sqlite, stack.postgres)}
THROUGHPUT = {"chain", "fanout"}
ALONE: dict[str, Callable[[int], dict[str, list[float]]]] = {"tests": simulated.measure, "lint": linting.measure}
"""The workloads that need no stack."""


def measure(names: list[str], make: Any, runs: int) -> list[dict[str, Any]]:
    """Every workload `runs` times on one stack, in turn, after one warm-up that is thrown away."""
    figures: dict[tuple[str, str], list[float]] = defaultdict(list)
    beside: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with ExitStack() as open_stacks:
        running = open_stacks.enter_context(make())
        slow = None
        if running.redis_url and THROUGHPUT & set(names):
            slow = open_stacks.enter_context(baselines.unbatched())
        for number in range(runs + 1):
            for name in names:
                result = WORKLOADS[name](running)
                base = baseline(name, running, slow)
                if number:
                    for metric, value in result.items():
                        figures[name, metric].append(value)
                    for key, value in base.items():
                        beside[name][key].append(value)
    return [
        {
            **row(name, running.name, metric, values),
            "baseline": {key: round(median(found), 2) for key, found in beside[name].items()},
        }
        for (name, metric), values in figures.items()
    ]


def alone(names: list[str], runs: int) -> list[dict[str, Any]]:
    """Those that need no stack."""
    return [
        row(name, "none", metric, values)
        for name in names
        if name in ALONE
        for metric, values in ALONE[name](runs).items()
    ]


def row(name: str, stack_name: str, metric: str, values: list[float]) -> dict[str, Any]:
    """One figure."""
    return {
        "workload": name,
        "stack": stack_name,
        "metric": metric,
        "median": round(median(values), 2),
        "min": round(min(values), 2),
        "max": round(max(values), 2),
        "runs": len(values),
        "baseline": {},
    }


def baseline(name: str, running: stack.Stack, slow: stack.Stack | None) -> dict[str, float]:
    """The figures that stand beside a workload; none of them exist for SQLite and memory."""
    if not running.redis_url:
        return {}
    found = {"commits_per_s": baselines.commits_per_s(running.database_url)}
    if name in THROUGHPUT and slow is not None:
        found["one_transaction_per_event_tasks_per_s"] = baselines.unbatched_tasks_per_s(slow, name)
        found["dramatiq_noop_per_s"] = baselines.dramatiq_noop_per_s(running.redis_url)
    return found


def show(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        beside = "  ".join(f"{key} {value:,.0f}" for key, value in row["baseline"].items())
        print(
            f"{row['stack']:<9} {row['workload']:<11} {row['metric']:<12} median {row['median']:>10,.1f}"
            f"  [{row['min']:,.1f} .. {row['max']:,.1f}] n={row['runs']}  {beside}"
        )
        slow = row["baseline"].get("one_transaction_per_event_tasks_per_s")
        if slow and row["metric"] == "tasks_per_s":
            print(f"{'':<9} {'':<11} {'ratio':<12} {row['median'] / slow:.2f} x one transaction per event")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    known = [*WORKLOADS, *ALONE]
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"of {', '.join(known)}; default: all")
    parser.add_argument("--stack", choices=STACKS, default="both")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    names = arguments.workloads or known
    if unknown := set(names) - set(known):
        parser.error(f"no workload {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    rows = alone(names, arguments.runs)
    show(rows)
    names = [name for name in names if name in WORKLOADS]
    for make in STACKS[arguments.stack] if names else ():
        found = measure(names, make, arguments.runs)
        show(found)
        rows += found
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
