"""A `for_each` keeps how far it has come, not its list: one that another version has not any more fails, and breaks nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.nest import Nest, compiled

LOOP = (
    "tasks:\n  x: {for_each: LIST, max_parallel: MOST, tasks: {t: {ACT, compensate: {ACT}}}}\n  last: {needs: x, ACT}\n"
)
TOLD = "`for_each` had {} items when it began and would have {} now"


def loop(length: int, *, most: int = 1, more: str = "") -> str:
    return LOOP.replace("LIST", str(list(range(length)))).replace("MOST", f"{most}{more}")


def goes_on_with(nest: Nest, text: str) -> None:
    """As another process sees it that reads another version."""
    nest.definition = compiled(text.replace("ACT", "uses: python, with: {call: 'package.module:function'}"))
    nest.memo.clear()


def error(nest: Nest, path: str = "x") -> tuple[str, str]:
    found = nest.run(path)["error"]
    return found["kind"], found["message"]


@pytest.mark.parametrize("length", [0, 1, 2, 4])
def test_another_length_is_told_when_the_next_item_is_due(length):
    nest = Nest(loop(3))
    goes_on_with(nest, loop(length))
    nest.succeed("x[0]/t")
    nest.undoing()
    assert (nest.outcome(), nest.failures) == ("failed", [("x", "failed")])
    assert error(nest) == ("invalid", TOLD.format(3, length))
    assert nest.outcome("x[0]/t/compensate") == "succeeded"


def test_a_list_of_which_all_has_been_opened_is_not_read_again():
    nest = Nest(loop(2, most=2))
    goes_on_with(nest, loop(1, most=2))
    nest.succeed("x[0]/t", "x[1]/t", "last")
    assert nest.outcome() == "succeeded"


def test_what_runs_is_called_off_first():
    nest = Nest(loop(4, most=2))
    goes_on_with(nest, loop(3, most=2))
    nest.succeed("x[0]/t")
    assert (nest.told_to_stop, nest.outcome("x")) == (["x[1]/t"], "running")
    nest.stopped("x[1]/t")
    nest.undoing()
    assert (nest.outcome(), error(nest)) == ("failed", ("invalid", TOLD.format(4, 3)))


SHADOWED = """
tasks:
  plan: {run: ./plan.sh, outputs: {keys: {type: array}}}
  g: {needs: plan, tasks: {SHADOW x: {NEEDS for_each: tasks.plan.outputs.keys, max_parallel: 1, fail_fast: true, ACT}}}
"""
PLAIN = SHADOWED.replace("SHADOW ", "").replace("NEEDS ", "")
SHADOWING = SHADOWED.replace("SHADOW", "plan: {run: x, outputs: {keys: {type: array}}},").replace(
    "NEEDS", "needs: plan,"
)


def test_a_list_that_reads_another_task_now_is_told():
    nest = Nest(PLAIN)
    nest.succeed("plan", outputs={"keys": [1, 2]})
    goes_on_with(nest, SHADOWING)
    nest.succeed("g/x[0]")
    assert (nest.outcome("g/x"), error(nest, "g/x")[0]) == ("failed", "expression")
    assert "keys" in error(nest, "g/x")[1]


@pytest.mark.parametrize("named", [(), ("x[0]/t",)])
def test_a_retry_tells_it_and_one_with_the_right_list_goes_on(named):
    nest = Nest(loop(3, more=", fail_fast: true"))
    nest.fail("x[0]/t")
    goes_on_with(nest, loop(2))
    nest.retry(*named)
    assert (nest.outcome(), nest.outcome("x"), error(nest)) == ("failed", "failed", ("invalid", TOLD.format(3, 2)))
    goes_on_with(nest, loop(3))
    nest.retry(*named)
    nest.succeed("x[0]/t", "x[1]/t", "x[2]/t", "last")
    assert nest.outcome() == "succeeded"


def test_what_was_undone_and_could_not_go_on_goes_on_whole_later():
    nest = Nest(loop(3, more=", fail_fast: true"))
    nest.succeed("x[0]/t")
    nest.fail("x[1]/t")
    assert nest.undoing() == ["x[0]/t/compensate"]
    goes_on_with(nest, loop(2))
    nest.retry()
    assert (nest.outcome(), nest.asked) == ("failed", [])
    goes_on_with(nest, loop(3))
    nest.retry()
    nest.succeed("x[0]/t", "x[1]/t", "x[2]/t", "last")
    assert nest.outcome() == "succeeded"


def test_an_end_of_a_pause_tells_it():
    nest = Nest(loop(3))
    nest.pause()
    nest.succeed("x[0]/t")
    goes_on_with(nest, loop(2))
    nest.resume()
    nest.undoing()
    assert (nest.outcome(), error(nest)) == ("failed", ("invalid", TOLD.format(3, 2)))


DO: dict[str, Any] = {"succeed": Nest.succeed, "fail": Nest.fail}


@pytest.mark.usefixtures("small_windows")
@given(
    numbers=st.tuples(st.integers(1, 7), st.integers(0, 8), st.integers(1, 3)),
    more=st.sampled_from(["", ", fail_fast: true", ", enough: 2", ", enough: 1, rest: run_on"]),
    steps=st.lists(st.tuples(st.sampled_from(["succeed", "fail", "pause", "resume"]), st.integers(0, 2)), max_size=12),
    then=st.integers(0, 12),
    again=st.booleans(),
)
def test_whatever_the_list_becomes_and_whenever_the_instance_ends(numbers, more, steps, then, again):
    before, after, most = numbers
    nest = Nest(loop(before, most=most, more=more))
    for number, (what, which) in enumerate(steps):
        if number == then:
            goes_on_with(nest, loop(after, most=most, more=more))
        if what in DO and nest.asked:
            DO[what](nest, nest.asked[which % len(nest.asked)])
        elif what == "pause":
            nest.pause()
        elif what == "resume":
            nest.resume()
        if again and nest.outcome() in ("failed", "cancelled"):
            nest.retry()
    goes_on_with(nest, loop(after, most=most, more=more))
    _work(nest)
    nest.retry("x")
    _work(nest)
    assert not nest.active
    if nest.outcome("x") == "failed":
        kind, message = error(nest)
        assert kind == "items" or message == TOLD.format(before, after)


def _work(nest: Nest) -> None:
    """Everybody does what they are told, until the end."""
    nest.resume()
    while nest.outcome() not in ("succeeded", "failed"):
        stopping, asked = nest.told_to_stop, nest.asked
        assert stopping or asked, "nothing will ever happen again"
        nest.stopped(*stopping)
        nest.succeed(*asked[: not stopping])
