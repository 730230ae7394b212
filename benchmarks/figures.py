"""Questions that the report asks of figures: pooled values, ratios to a peer, and how numbers are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.rounds import Figure, ratio

BETTER_SMALL = ("_ms", "_mib", "_percent")
"""Ends of the names of metrics of which less is better."""
HUNDRED, TEN = 100, 10


@dataclass(frozen=True, slots=True)
class Spread:
    """What rounds gave."""

    values: Sequence[float]

    @property
    def middle(self) -> float:
        """The median."""
        return median(self.values)

    def __str__(self) -> str:
        return number(self.middle)

    @property
    def range(self) -> str:
        """The smallest and the largest."""
        return f"{number(min(self.values))} – {number(max(self.values))}"


class Figures:
    """All figures of a file."""

    def __init__(self, figures: Sequence[Figure]) -> None:
        self.all = figures

    def of(self, who: str, workload: str, metric: str) -> Spread | None:
        """The values of all pieces in which it was measured."""
        found = [f.values for f in self.all if (f.who, f.workload, f.metric) == (who, workload, metric)]
        return Spread([value for values in found for value in values]) if found else None

    def times(self, ours: str, peer: str, workload: str, metric: str) -> Spread | None:
        """How many times as fast ours was as the peer, in the rounds that they shared."""
        both = {f.who: f for f in self.all if (f.group, f.workload, f.metric) == (peer, workload, metric)}
        if not {ours, peer} <= both.keys():
            return None
        of, over = both[ours], both[peer]
        return Spread(ratio(over, of) if metric.endswith(BETTER_SMALL) else ratio(of, over))


def number(value: float) -> str:
    """Three digits or so: there is no more in it."""
    return f"{value:,.0f}" if value >= HUNDRED else f"{value:.0f}" if value >= TEN * 2 else f"{value:.1f}"
