"""Test files shared out to processes."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.simulate.files import run_files
from engine.simulate.forked import each, share

WORKFLOW = b"name: w\ntasks: {a: {run: x}, b: {needs: a.failed, run: y}}\n"
GOOD = "workflow: w\ncases:\n  - {name: goes well, mocks: {a: {}}, expect: {state: succeeded}}\n"
BAD = GOOD + "  - {name: goes badly, mocks: {a: {}}, expect: {state: failed}}\n"
SEES_MORE = GOOD.replace("a: {}", "a: {error: no}, b: {}")
FILES = {
    "w.yaml": WORKFLOW,
    "other.yaml": b"name: other\ntasks: {a: {run: x, needs: b}}\n",
    "one.test.yaml": GOOD.encode(),
    "two.test.yaml": BAD.encode(),
    "three.test.yaml": SEES_MORE.encode(),
    "four.test.yaml": GOOD.replace("mocks", "moks").encode(),
}
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 100), max_size=20), st.integers(1, 5))
def test_every_part_is_in_one_list_in_its_order(sizes, ways):
    lists = share(sizes, ways)
    assert len(lists) <= ways
    assert all(lists)
    assert sorted(part for found in lists for part in found) == sorted(sizes)
    order = list(sizes)
    assert all(found == sorted(found, key=order.index) for found in lists)


@given(st.lists(st.integers(1, 100), min_size=1, max_size=30), st.integers(1, 5))
def test_no_list_is_more_than_the_largest_part_above_another(sizes, ways):
    named = dict(enumerate(sizes))
    sums = [sum(named[part] for part in found) for found in share(named, ways)]
    assert max(sums) - min(sums) <= max(sizes) or len(sums) < ways


@needs_fork
def test_what_processes_find_is_what_one_finds():
    alone, shared = run_files(FILES), run_files(FILES, processes=3)
    assert shared.findings == alone.findings
    assert [(ran.path, ran.case, ran.problems) for ran in shared.cases] == [
        (ran.path, ran.case, ran.problems) for ran in alone.cases
    ]
    assert shared.coverage == alone.coverage
    assert len(shared.failed) == 1
    assert shared.coverage["w"].missed == ()


@needs_fork
def test_they_are_other_processes_and_hand_on_what_is_raised():
    here = os.getpid()
    assert all(process != here for process in each(lambda _: os.getpid(), [1, 2]))
    with pytest.raises(ZeroDivisionError):
        list(each(lambda part: 1 // part, [1, 0]))
