"""A retry beside an `exit`: what had failed before it runs again first, and is not called off over what was decided already."""

from __future__ import annotations

import pytest

from tests.core.nest import Nest

BESIDE = "tasks:\n  a: {ACT}\n  b: {ACT}\n  out: {needs: b, uses: exit, with: {state: STATE}}\n  c: {ACT}\n  d: {needs: [a, c], ACT}\n"
IF = BESIDE.replace("b: {ACT}", "b: {ACT, compensate: {ACT}}").replace(
    "uses: exit, with: {state: STATE}", "if: tasks.b.outputs.?out.orValue(true), uses: exit, with: {state: succeeded}"
)


def ended_beside(text: str = BESIDE, state: str = "succeeded") -> Nest:
    """`a` had failed when `out` ended the scope, and called `c` off."""
    nest = Nest(text.replace("STATE", state))
    nest.fail("a")
    nest.succeed("b")
    nest.stopped("c")
    assert (nest.outcome(), nest.failures) == ("failed", [("a", "failed")])
    return nest


@pytest.mark.parametrize("state", ["succeeded", "failed", "cancelled"])
def test_the_failure_runs_again_to_its_end_and_then_the_exit_says_how_it_ends(state):
    nest = ended_beside(state=state)
    nest.retry()
    assert (nest.asked, nest.told_to_stop) == (["a"], []), "what it stopped stays stopped"
    sent = len(nest.sent)
    nest.succeed("a")
    assert (nest.outcome(), nest.outcome("a")) == (state, "succeeded")
    assert nest.sent[sent:] == [], "nothing begins for it to call off"
    assert [nest.outcome(name) for name in ("out", "c", "d")] == ["succeeded", "skipped", "skipped"]
    nest.check_end()


def test_what_fails_again_is_told_and_can_be_retried_again():
    nest = ended_beside()
    for _ in range(2):
        nest.retry()
        assert nest.asked == ["a"]
        nest.fail("a")
        assert (nest.outcome(), nest.failures) == ("failed", [("a", "failed")])
    nest.retry()
    nest.succeed("a")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_what_is_cancelled_on_the_way_does_not_make_it_forget():
    nest = ended_beside()
    nest.retry()
    nest.cancel()
    nest.stopped("a")
    assert nest.outcome() == "cancelled"
    nest.retry()
    assert (nest.asked, nest.told_to_stop) == (["a"], [])
    nest.succeed("a")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_an_exit_that_decides_otherwise_now_lets_the_rest_go_on():
    nest = Nest(IF)
    nest.fail("a")
    nest.succeed("b")
    nest.stopped("c")
    assert nest.undoing() == ["b/compensate"]
    nest.retry()
    nest.succeed("a")
    assert nest.asked == ["b", "c"], "whether it ends the scope is not known before `b` has ended"
    nest.succeed("b", outputs={"out": False})
    assert nest.outcome("out") == "skipped"
    nest.succeed("c", "d")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_what_was_undone_and_is_needed_is_done_again_first():
    nest = Nest("tasks:\n  u: {ACT, compensate: {ACT}}\n  a: {needs: u, ACT}\n  b: {ACT, compensate: {ACT}}\n"
                "  out: {needs: b, uses: exit, with: {state: succeeded}}\n")  # fmt: skip
    nest.succeed("u")
    nest.fail("a")
    nest.succeed("b")
    assert nest.undoing() == ["b/compensate", "u/compensate"]
    nest.retry()
    assert nest.asked == ["u"]
    nest.succeed("u")
    assert nest.asked == ["a"]
    nest.succeed("a")
    assert nest.asked == ["b"]
    nest.succeed("b")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_an_exit_of_the_instance_from_a_group_waits_too():
    nest = Nest("tasks:\n  a: {ACT}\n  g: {tasks: {b: {ACT}, out: {needs: b, uses: exit, with: {state: succeeded, scope: instance}}, x: {ACT}}}\n"
                "  h: {tasks: {y: {ACT}}}\n")  # fmt: skip
    nest.fail("a")
    nest.succeed("g/b")
    nest.stopped("g/x", "h/y")
    assert nest.failures == [("a", "failed")]
    nest.retry()
    assert nest.asked == ["a"]
    nest.succeed("a")
    nest.stopped(*nest.told_to_stop)
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_a_failure_within_the_group_of_the_exit_is_retried_with_it():
    nest = Nest("tasks:\n  g: {tasks: {x: {ACT}, b: {ACT}, out: {needs: b, uses: exit, with: {state: succeeded, scope: instance}}}}\n"
                "  a: {ACT}\n  c: {ACT}\n")  # fmt: skip
    nest.fail("g/x", "a")
    nest.succeed("g/b")
    nest.stopped("c")
    assert sorted(nest.failures) == [("a", "failed"), ("g", "failed")]
    nest.retry()
    assert nest.asked == ["a"]
    nest.succeed("a")
    assert "g/x" in nest.asked
    nest.succeed("g/x")
    nest.stopped(*nest.told_to_stop)
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_an_item_is_retried_so_too():
    nest = Nest(
        "tasks:\n  x: {for_each: [1], tasks: {a: {ACT}, b: {ACT}, out: {needs: b, uses: exit, with: {state: succeeded}}}}\n"
    )
    nest.fail("x[0]/a")
    nest.succeed("x[0]/b")
    assert nest.outcome() == "failed"
    nest.retry()
    nest.succeed("x[0]/a")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_with_fail_fast_a_failure_below_that_is_told_late_is_retried_first():
    nest = Nest(
        "tasks:\n  g: {tasks: {x: {ACT}, y: {ACT}}}\n  b: {ACT}\n  out: {needs: b, uses: exit, with: {state: succeeded}}\nfail_fast: true\n"
    )
    nest.fail("g/x")
    nest.succeed("b")
    nest.stopped("g/y")
    assert (nest.outcome(), nest.failures) == ("failed", [("g", "failed")])
    nest.retry()
    assert nest.asked == ["g/x", "g/y"]
    nest.succeed("g/x", "g/y")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_a_pause_holds_what_was_put_off():
    nest = ended_beside()
    nest.retry()
    nest.pause()
    nest.succeed("a")
    assert (nest.outcome(), nest.outcome("out"), nest.asked) == ("running", "waiting", [])
    nest.resume()
    assert nest.outcome() == "succeeded"
    nest.check_end()
