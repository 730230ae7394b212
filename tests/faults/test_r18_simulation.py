"""R18: the whole system in virtual time, a fault at any step: no seed breaks a promise (decision 0022)."""

from __future__ import annotations

import pytest

from tests.simulation.__main__ import report
from tests.simulation.many import results

SHORT, LONG = 1_000, 1_000_000
"""CI tries 9,000 more when nothing else runs beside them (`.ci/run`)."""
DAY = 24 * 3600


@pytest.mark.timeout(DAY)
def test_no_seed_breaks_a_promise(long, measured):
    seeds = range(LONG if long else SHORT)
    turns, happened = 0, 0
    for found in results(seeds, 2):
        assert not found.problems, report(found)
        turns += found.turns
        happened += sum(found.happened.values())
    measured(seeds=len(seeds), turns=turns, faults=happened, violations=0)
