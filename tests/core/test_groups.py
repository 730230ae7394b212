"""Groups: scopes of their own within a scope, which end as their tasks do (LANGUAGE, "Scopes")."""

from __future__ import annotations

import pytest

from tests.core.nest import Nest


def test_a_group_runs_its_own_graph_and_ends_with_its_outputs():
    nest = Nest(
        """
tasks:
  g:
    tasks:
      a: {ACT}
      b: {needs: a, ACT}
    outputs: {n: "${{ tasks.b.outputs.?n.orValue(0) }}"}
  after: {needs: g, uses: values, with: {n: "${{ tasks.g.outputs.n }}"}}
"""
    )
    assert nest.outcomes == {"g": "running", "g/a": "queued"}
    nest.succeed("g/a")
    nest.succeed("g/b", outputs={"n": 7})
    assert nest.run("after")["outputs"] == {"n": 7}
    nest.check_end()


def test_without_outputs_a_group_gives_none():
    nest = Nest("tasks:\n  g: {tasks: {a: {ACT}}}\n")
    nest.succeed("g/a", outputs={"n": 1})
    assert nest.run("g")["outputs"] == {}


def test_tasks_inside_read_what_the_group_waits_for_and_the_nearer_name_counts():
    nest = Nest(
        """
tasks:
  a: {uses: values, with: {n: 1}}
  b: {uses: values, with: {n: 10}}
  g:
    needs: [a, b]
    tasks:
      a: {uses: values, with: {n: 2}}
      sum: {needs: a, uses: values, with: {n: "${{ tasks.a.outputs.n + tasks.b.outputs.n }}"}}
"""
    )
    assert nest.run("g/sum")["outputs"] == {"n": 12}
    nest.check_end()


def test_a_failure_inside_fails_the_group_in_its_own_words():
    nest = Nest("tasks:\n  g: {tasks: {a: {ACT}, b: {ACT}}}\n")
    nest.fail("g/a", kind="network")
    assert nest.outcome("g") == "running", "other branches run on"
    nest.succeed("g/b")
    error = nest.run("g")["error"]
    assert (error["kind"], error["message"]) == ("network", "g/a: g/a broke")
    assert error["details"]["failures"][0]["path"] == "g/a"
    assert (nest.outcome(), nest.failures) == ("failed", [("g", "failed")])
    nest.check_end()


def test_a_failure_that_is_handled_inside_is_none_of_the_group():
    nest = Nest("tasks:\n  g: {tasks: {a: {ACT}, mend: {needs: a.failed, ACT}}}\n")
    nest.fail("g/a")
    nest.succeed("g/mend")
    assert (nest.outcome("g"), nest.outcome()) == ("succeeded", "succeeded")
    nest.check_end()


def test_a_group_that_failed_can_be_handled_outside():
    nest = Nest("tasks:\n  g: {tasks: {a: {ACT}}}\n  mend: {needs: g.failed, ACT}\n")
    nest.fail("g/a")
    nest.succeed("mend")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_fail_fast_stops_the_others_at_the_moment_nobody_can_handle_it_any_more():
    nest = Nest("tasks:\n  g: {fail_fast: true, tasks: {a: {ACT}, b: {ACT}, c: {needs: b, ACT}}}\n  side: {ACT}\n")
    nest.fail("g/a")
    assert (nest.outcome("g/c"), nest.told_to_stop, nest.outcome("side")) == ("skipped", ["g/b"], "queued")
    nest.succeed("g/b")
    assert (nest.outcome("g/b"), nest.outcome("g")) == ("succeeded", "failed"), "a success that still arrives counts"
    nest.succeed("side")
    assert nest.failures == [("g", "failed")]
    nest.check_end()


def test_nothing_starts_any_more_once_fail_fast_has_struck():
    nest = Nest(
        "tasks:\n  g:\n    fail_fast: true\n    tasks:\n      a: {uses: fail, with: {message: 'no'}}\n      b: {needs: a.done, ACT}\n"
        "  h: {fail_fast: true, tasks: {a: {ACT}, b: {needs: a.done, ACT}}}\n"
    )
    nest.fail("h/a")
    assert [nest.outcome(path) for path in ("g/b", "h/b", "g", "h")] == ["skipped", "skipped", "failed", "failed"]
    nest.check_end()


def test_fail_fast_waits_for_a_listener_that_may_still_handle_it():
    nest = Nest("tasks:\n  g: {fail_fast: true, tasks: {a: {ACT}, b: {ACT}, mend: {needs: [a.failed, b], ACT}}}\n")
    nest.fail("g/a")
    assert nest.told_to_stop == []
    nest.fail("g/b")
    assert (nest.outcome("g/mend"), nest.outcome()) == ("skipped", "failed")
    nest.check_end()


def test_a_group_over_its_timeout_ends_like_a_cancelled_one_and_has_failed():
    nest = Nest("tasks:\n  g: {timeout: 10s, tasks: {a: {ACT}, b: {needs: a, ACT}}}\n  after: {needs: g.failed, ACT}\n")
    nest.pass_(10_000)
    assert nest.told_to_stop == ["g/a"]
    nest.stopped("g/a")
    assert (nest.outcome("g/b"), nest.outcome("g"), nest.run("g")["error"]["kind"]) == ("skipped", "failed", "timeout")
    nest.succeed("after")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_a_group_over_its_deadline_fails_once_all_in_it_has_stopped():
    nest = Nest("tasks:\n  g: {deadline: 10s, tasks: {h: {tasks: {a: {ACT}}}}}\n")
    nest.pass_(10_000)
    assert (nest.outcome("g"), nest.told_to_stop) == ("running", ["g/h/a"])
    nest.stopped("g/h/a")
    assert (nest.outcome("g"), nest.run("g")["error"]["kind"]) == ("failed", "timeout")
    assert nest.outcome("g/h") == "cancelled"
    nest.check_end()


@pytest.mark.parametrize("scope", ["", "g", "g/h[1]", "g/h[1]#1", "g/h[1]#1/deep"])
def test_cancelling_at_any_depth_reaches_all_below_and_nothing_beside(scope):
    nest = Nest(
        """
tasks:
  side: {ACT}
  g:
    tasks:
      h:
        for_each: [1, 2]
        repeat: {until: "iteration == 1", max_iterations: 2}
        tasks:
          deep: {tasks: {a: {ACT}, b: {needs: a, ACT}}}
finally: {end: {ACT}}
"""
    )
    nest.cancel(scope)
    below = [path for path in ("side", "g/h[0]#1/deep/a", "g/h[1]#1/deep/a") if path.startswith(scope)]
    assert sorted(nest.told_to_stop) == sorted(below)
    nest.stopped(*below)
    assert nest.outcome("g/h[1]#1/deep") == "cancelled"
    rest = [path for path in nest.asked if path != "finally/end"]
    while rest:
        nest.succeed(*rest)
        rest = [path for path in nest.asked if path != "finally/end"]
    assert nest.outcome("finally") == "running", "`finally` comes after all of them"
    nest.succeed("finally/end")
    assert nest.outcome() == ("failed" if scope else "cancelled")
    nest.check_end()


def test_cancelling_twice_or_too_late_changes_nothing():
    nest = Nest("tasks:\n  g: {tasks: {a: {ACT}}}\n")
    nest.cancel("g")
    before = dict(nest.scopes)
    nest.cancel("g")
    assert nest.scopes == before
    nest.stopped("g/a")
    before = dict(nest.scopes)
    nest.cancel("g")
    assert nest.scopes == before
    assert (nest.outcome("g"), nest.failures) == ("cancelled", [("g", "cancelled")])


def test_a_group_waits_while_nothing_runs_in_it_at_any_depth():
    nest = Nest(
        """
tasks:
  g:
    tasks:
      each: {for_each: [1, 2], tasks: {w: {uses: wait, with: {for: 5s}}, a: {needs: w, ACT}}}
"""
    )
    assert (nest.outcome("g"), nest.outcome("g/each"), nest.summary) == ("waiting", "waiting", "waiting")
    nest.pass_(5_000)
    assert (nest.outcome("g"), nest.summary) == ("running", "running")
    nest.succeed("g/each[0]/a")
    assert nest.outcome("g/each") == "running"
    nest.succeed("g/each[1]/a")
    nest.check_end()


def test_a_task_that_is_undone_while_others_wait_counts_as_at_work():
    nest = Nest(
        """
tasks:
  g:
    tasks:
      made: {ACT, compensate: {ACT}}
      asks: {needs: made, uses: wait, with: {for: 1h}}
"""
    )
    nest.succeed("g/made")
    assert nest.outcome("g") == "waiting"
    nest.cancel("g")
    assert (nest.asked, nest.outcome("g")) == (["g/made/compensate"], "running")
    nest.succeed("g/made/compensate")
    nest.check_end()


def test_an_empty_condition_skips_the_group_and_nothing_in_it_exists():
    nest = Nest("tasks:\n  g: {if: '1 > 2', tasks: {a: {ACT}}}\n  b: {needs: g.skipped, ACT}\n")
    assert (nest.outcome("g"), "g" in nest.scopes) == ("skipped", False)
    nest.succeed("b")
    nest.check_end()


def test_continue_on_error_accepts_a_group_that_failed_and_never_one_that_was_cancelled():
    text = "tasks:\n  g: {continue_on_error: true, tasks: {a: {ACT}}}\n  b: {needs: g, ACT}\n"
    nest = Nest(text)
    nest.fail("g/a")
    nest.succeed("b")
    assert (nest.outcome("g"), nest.outcome()) == ("failed", "succeeded")
    nest.check_end()
    nest = Nest(text)
    nest.cancel("g")
    nest.stopped("g/a")
    assert (nest.outcome("b"), nest.outcome()) == ("skipped", "failed")
    nest.check_end()


def test_cancel_rest_calls_off_a_group_and_that_is_not_negative():
    nest = Nest(
        "tasks:\n  a: {ACT}\n  g: {tasks: {b: {ACT}}}\n  c: {needs: [a, g], join: any, cancel_rest: true, ACT}\n"
    )
    nest.succeed("a")
    assert nest.told_to_stop == ["g/b"]
    nest.stopped("g/b")
    nest.succeed("c")
    assert (nest.outcome("g"), nest.outcome()) == ("cancelled", "succeeded")
    nest.check_end()


def test_a_success_of_a_group_that_was_called_off_still_counts():
    nest = Nest(
        "tasks:\n  a: {ACT}\n  g: {tasks: {b: {ACT}}}\n  c: {needs: [a, g], join: any, cancel_rest: true, ACT}\n"
    )
    nest.succeed("a")
    nest.succeed("g/b")
    assert nest.outcome("g/b") == "succeeded"
    nest.succeed("c")
    assert nest.outcome() == "succeeded"
    nest.check_end()
