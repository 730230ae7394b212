"""Of the runs that show the same failure, the one in which least goes wrong."""

from __future__ import annotations

from tests.simulation.faults import KINDS
from tests.simulation.run import Run, run

WHOLE = 100_000
"""Lines of a trace that are kept of the run that is shown."""


def shortest(failed: Run) -> Run:
    """Leave out one kind of fault after the other as long as something still is wrong."""
    kept = KINDS if failed.faults is None else failed.faults
    best = failed
    for kind in sorted(kept):
        without = frozenset(kept) - {kind}
        found = run(failed.seed, without, keep=WHOLE)
        if found.problems:
            kept, best = without, found
    return best if best is not failed else run(failed.seed, failed.faults, keep=WHOLE)
