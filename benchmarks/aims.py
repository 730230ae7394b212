"""What the engine should reach on two cores; the report says by how much it does, or does not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Aim:
    """A bound on a metric of a stack, or (with `over`) on how many times that of a peer it is, round by round."""

    stack: str
    workload: str
    metric: str
    at_least: float = 0
    at_most: float = 0
    over: str = ""

    def missed_by(self, value: float) -> float:
        """The part of the bound that is missing, or that is too much; 0 and below: it is met."""
        return (self.at_least - value) / self.at_least if self.at_least else (value - self.at_most) / self.at_most


RATE, P50, P99, TOTAL = "tasks_per_s", "p50_ms", "p99_ms", "total_ms"
TWO_CORES = ("workers", "postgres")
"""The stacks that are worth two cores: the aims that name no other are for both."""
AIMS = (
    *(
        aim
        for stack in TWO_CORES
        for aim in (
            Aim(stack=stack, workload="chain", metric=RATE, at_least=3.5, over="dramatiq"),
            Aim(stack=stack, workload="chain", metric=RATE, at_least=6, over="restate"),
            Aim(stack=stack, workload="chain", metric=RATE, at_least=6, over="restate-calls"),
            Aim(stack=stack, workload="chain", metric=RATE, at_least=20, over="dbos"),
            Aim(stack=stack, workload="chain", metric=RATE, at_least=6_000),
            Aim(stack=stack, workload="fanout", metric=RATE, at_least=6_000),
            Aim(stack=stack, workload="latency", metric=P50, at_most=4),
            Aim(stack=stack, workload="latency", metric=P99, at_most=12),
        )
    ),
    Aim(stack="postgres", workload="sequential", metric=TOTAL, at_most=90),
    Aim(stack="postgres", workload="webhook", metric="accepted_per_s", at_least=1_500),
    Aim(stack="postgres", workload="webhook", metric="half_load_p99_ms", at_most=50),
    Aim(stack="postgres", workload="idle", metric="cpu_percent", at_most=2),
    Aim(stack="combined", workload="chain", metric=RATE, at_least=8_000),
    Aim(stack="combined", workload="sequential", metric=TOTAL, at_most=55),
    Aim(stack="sqlite", workload="chain", metric=RATE, at_least=6_000),
    Aim(stack="dev", workload="memory", metric="idle_mib", at_most=110),
)
