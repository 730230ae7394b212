"""Cycles are drawn so that every wait which is on one is seen."""

from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from engine.spec.cycles import MOST, cycles

NAMES = "abcdef"
GRAPHS = st.fixed_dictionaries({name: st.lists(st.sampled_from(NAMES), unique=True) for name in NAMES})


def reaches(waits, start, end):
    seen, queue = set(), [start]
    while queue:
        name = queue.pop()
        if name == end:
            return True
        if name not in seen:
            seen.add(name)
            queue += waits[name]
    return False


@given(GRAPHS)
def test_every_wait_on_a_cycle_is_drawn_and_nothing_else(waits):
    found = cycles(waits)
    drawn = {edge for cycle in found for edge in pairwise((*cycle, cycle[0]))}
    closed = {(a, b) for a, sources in waits.items() for b in sources if reaches(waits, b, a)}
    assert drawn <= closed
    assert drawn == closed or len(found) == MOST
    for cycle in found:
        assert len(set(cycle)) == len(cycle)
        assert cycle[0] == min(cycle, key=list(waits).index)
    assert len({frozenset(pairwise((*cycle, cycle[0]))) for cycle in found}) == len(found)


@given(GRAPHS)
def test_there_are_cycles_where_there_is_no_order(waits):
    try:
        tuple(TopologicalSorter(waits).static_order())
    except CycleError:
        assert cycles(waits)
    else:
        assert not cycles(waits)


def test_a_long_chain_takes_no_recursion():
    waits = {str(number): (str(number + 1),) for number in range(5000)}
    waits["5000"] = ("0",)
    (cycle,) = cycles(waits)
    assert len(cycle) == 5001
