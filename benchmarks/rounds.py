"""Runs workloads on subjects in turn, so that whatever else the machine does meets all of them, and keeps every value."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Protocol


class Subject(Protocol):
    """Something that is measured."""

    name: str

    def run(self, workload: str) -> Mapping[str, float]:
        """The figures of one run, by metric; none where the subject has no such workload."""
        ...


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One metric of one subject: a value for each round. Those of a group were measured in the same rounds, in turn."""

    group: str
    workload: str
    who: str
    metric: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return median(self.values)


def measure(group: str, subjects: Iterable[Subject], workloads: Sequence[str], runs: int) -> list[Figure]:
    """Every workload `runs` times on every subject, after a round that is thrown away."""
    found: dict[tuple[str, str, str], list[float]] = {}
    for number in range(runs + 1):
        for workload in workloads:
            for subject in subjects:
                for metric, value in subject.run(workload).items():
                    values = found.setdefault((workload, subject.name, metric), [])
                    if number:
                        values.append(value)
    return [
        Figure(group=group, workload=workload, who=who, metric=metric, values=tuple(values))
        for (workload, who, metric), values in found.items()
    ]


def ratio(of: Figure, over: Figure) -> list[float]:
    """How many times the one is the other, round by round: what both met in a round cancels out."""
    return [one / other for one, other in zip(of.values, over.values, strict=True)]


def keep(path: Path, figures: Sequence[Figure], about: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the figures to a file; those of other groups and workloads that are in it already stay."""
    document, kept = read(path) if path.exists() else ({}, [])
    for topic, facts in about.items():
        document[topic] = document.get(topic, {}) | facts
    new = {(figure.group, figure.workload) for figure in figures}
    kept = [figure for figure in kept if (figure.group, figure.workload) not in new]
    entries = [asdict(figure) | {"values": _short(figure.values)} for figure in (*kept, *figures)]
    entries.sort(key=lambda entry: (entry["group"], entry["workload"]))
    lines = ",\n".join(f"  {json.dumps(entry)}" for entry in entries)
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.with_name(f"{path.name}.new")  # who is stopped in the middle of it leaves what was there
    whole.write_text(f'{{"about": {json.dumps(document, indent=1, sort_keys=True)},\n"figures": [\n{lines}\n]}}\n')
    whole.replace(path)


def read(path: Path) -> tuple[dict[str, Any], list[Figure]]:
    """What `keep` wrote: about the run, and its figures."""
    found = json.loads(path.read_text())
    return found["about"], [Figure(**entry | {"values": tuple(entry["values"])}) for entry in found["figures"]]


def _short(values: Iterable[float]) -> list[float]:
    """Four digits: there is no more in them."""
    return [float(f"{value:.4g}") for value in values]
