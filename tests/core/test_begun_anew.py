"""A `for_each` that begins anew may have other items: those of before are none of its own. One that goes on has the same."""

from __future__ import annotations

import pytest

from tests.core.nest import Nest

PLAN = "run: ./plan.sh, outputs: {keys: {type: array, items: {type: string}}}"
TEXT = f"""
tasks:
  plan: {{{PLAN}}}
  x: {{needs: plan, for_each: tasks.plan.outputs.keys, key: item, max_parallel: 2, tasks: {{a: {{DONE}}}}, outputs: {{of: "${{{{ item }}}}"}}}}
  last: {{needs: x, ACT}}
outputs: {{all: "${{{{ tasks.x.outputs }}}}"}}
""".replace("DONE", "ACT, compensate: {ACT}")


def begun_anew(text: str = TEXT) -> Nest:
    """It had the items a, b and c, of which b failed; now it has c and d."""
    nest = Nest(text)
    nest.succeed("plan", outputs={"keys": ["a", "b", "c"]})
    nest.succeed("x[a]/a")
    nest.fail("x[b]/a")
    nest.succeed("x[c]/a")
    nest.undoing()
    nest.retry("plan")
    nest.succeed("plan", outputs={"keys": ["c", "d"]})
    assert nest.asked == ["x[c]/a", "x[d]/a"]
    return nest


def test_its_outputs_are_those_of_its_own_items():
    nest = Nest(TEXT)
    nest.succeed("plan", outputs={"keys": ["a", "b"]})
    nest.succeed("x[a]/a", "x[b]/a", "last")
    assert nest.scopes[""]["outputs"] == {"all": [{"of": "a"}, {"of": "b"}]}
    nest.retry("plan")
    nest.succeed("plan", outputs={"keys": ["c", "a"]})
    nest.succeed("x[c]/a", "x[a]/a", "last")
    assert nest.scopes[""]["outputs"] == {"all": [{"of": "c"}, {"of": "a"}]}
    nest.check_end()


def test_a_retry_goes_on_with_its_own_items_only():
    nest = begun_anew()
    nest.fail("x[c]/a", "x[d]/a")
    nest.retry()
    assert nest.asked == ["x[c]/a", "x[d]/a"]
    nest.succeed("x[c]/a", "x[d]/a", "last")
    assert (nest.outcome(), nest.scopes[""]["outputs"]) == ("succeeded", {"all": [{"of": "c"}, {"of": "d"}]})
    nest.check_end()


def test_an_item_that_is_gone_cannot_be_named():
    nest = begun_anew()
    nest.succeed("x[c]/a", "x[d]/a", "last")
    nest.retry("x[b]/a")
    assert nest.asked == ["last"], "all after the loop is run again, and nothing waits for what is gone"
    nest.succeed("last")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_what_items_of_before_did_is_undone_as_long_as_it_was_not():
    nest = Nest(TEXT)
    nest.succeed("plan", outputs={"keys": ["a"]})
    nest.succeed("x[a]/a", "last")
    nest.retry("plan")
    nest.succeed("plan", outputs={"keys": ["b"]})
    nest.succeed("x[b]/a")
    nest.fail("last")
    assert nest.undoing() == ["x[b]/a/compensate", "x[a]/a/compensate"]
    nest.check_end()


@pytest.mark.usefixtures("small_windows")
def test_a_retry_in_windows_leaves_out_items_that_are_gone():
    nest = Nest(TEXT.replace("max_parallel: 2, ", ""))
    nest.succeed("plan", outputs={"keys": ["a", "b", "e", "f", "g"]})
    nest.fail(*(f"x[{key}]/a" for key in "abefg"))
    nest.retry("plan")
    nest.succeed("plan", outputs={"keys": ["c", "d", "h", "i", "j"]})
    nest.fail(*(f"x[{key}]/a" for key in "cdhij"))
    nest.retry()
    assert nest.asked == [f"x[{key}]/a" for key in "cdhij"]
    nest.succeed(*nest.asked)
    nest.succeed("last")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_one_that_goes_on_has_the_items_it_began_with():
    nest = Nest(
        f"""
tasks:
  a: {{ACT}}
  b: {{{PLAN}}}
  x:
    needs: [a, b]
    join: any
    for_each: tasks.b.outputs.?keys.orValue(["p", "q"])
    max_parallel: 1
    fail_fast: true
    tasks: {{t: {{ACT}}}}
"""
    )
    nest.succeed("a")
    nest.succeed("b", outputs={"keys": ["r", "s", "t"]})
    nest.fail("x[0]/t")
    nest.retry()
    nest.succeed("x[0]/t")
    assert nest.scopes["x[1]"]["locals"]["item"] == "q", "b had not ended when x began"
    nest.succeed("x[1]/t")
    assert nest.outcome() == "succeeded"
    nest.check_end()
