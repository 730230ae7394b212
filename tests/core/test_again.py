"""Retrying what has settled, at every depth: only what went wrong, what comes after it, and what was undone (LANGUAGE)."""

from __future__ import annotations

import pytest

from engine.core.events import TaskSucceeded
from tests.core.nest import Nest


def test_only_the_failed_and_what_comes_after_run_again():
    nest = Nest(
        "tasks:\n  a: {ACT}\n  b: {needs: a, ACT}\n  c: {needs: b, ACT}\n  d: {needs: a, ACT}\nfinally: {end: {ACT}}\n"
    )
    nest.succeed("a", "d")
    nest.fail("b")
    nest.succeed("finally/end")
    nest.retry()
    assert (nest.outcome(), nest.asked, nest.outcome("c")) == ("running", ["b"], "pending")
    assert (nest.run("b")["attempt"], nest.run("b").get("generation", 1)) == (2, 1)
    nest.succeed("b", "c")
    assert (nest.asked, nest.run("finally/end")["attempt"]) == (["finally/end"], 2)
    assert nest.run("finally/end")["generation"] == 2, "it had succeeded, so this is no repeat"
    nest.succeed("finally/end")
    assert (nest.outcome(), nest.failures, nest.run("d")["attempt"]) == ("succeeded", [], 1)
    nest.check_end()


def test_late_answers_to_attempts_before_the_retry_change_nothing():
    nest = Nest("tasks:\n  a: {ACT}\n")
    nest.fail("a")
    nest.retry()
    nest.take("", TaskSucceeded(task="a", attempt=1, at=nest.now))
    assert nest.outcome("a") == "queued"
    nest.succeed("a")
    nest.check_end()


def test_what_succeeded_and_is_named_runs_again_as_a_new_generation():
    nest = Nest("tasks:\n  a: {ACT}\n  b: {needs: a, ACT}\n  c: {ACT}\n")
    nest.succeed("a", "b", "c")
    nest.retry()
    assert nest.outcome() == "succeeded", "there is nothing to retry"
    nest.retry("nobody")
    assert nest.outcome() == "succeeded"
    nest.retry("a")
    assert [nest.run("a")[name] for name in ("attempt", "generation")] == [2, 2]
    nest.succeed("a", "b")
    assert nest.run("b")["generation"] == 2
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_what_was_undone_is_done_again_with_all_after_it():
    nest = Nest(
        "tasks:\n  a: {ACT, compensate: {ACT}}\n  b: {needs: a, ACT}\n  side: {ACT}\n  c: {needs: [b, side], ACT}\n"
    )
    nest.succeed("a", "b", "side")
    nest.fail("c")
    nest.undoing()
    nest.retry()
    assert (nest.asked, nest.outcome("side")) == (["a"], "succeeded")
    nest.succeed("a", "b")
    nest.fail("c")
    assert nest.undoing() == ["a/compensate"]
    assert [nest.run("a/compensate")[name] for name in ("attempt", "generation")] == [2, 2]
    nest.retry()
    nest.succeed("a", "b", "c")
    assert [nest.run("a")[name] for name in ("attempt", "generation")] == [3, 3]
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_a_failed_group_goes_on_with_what_failed_in_it():
    nest = Nest(
        "tasks:\n  g: {tasks: {a: {ACT}, b: {needs: a, ACT}, h: {tasks: {c: {ACT}, d: {needs: c, ACT}}}}}\n  e: {needs: g, ACT}\n"
    )
    nest.succeed("g/a", "g/b", "g/h/c")
    nest.fail("g/h/d")
    nest.retry()
    assert (nest.asked, nest.outcome("g"), nest.outcome("e")) == (["g/h/d"], "running", "pending")
    nest.succeed("g/h/d", "e")
    assert (nest.outcome(), nest.run("g/a")["attempt"]) == ("succeeded", 1)
    nest.check_end()


def test_a_group_that_succeeded_and_was_undone_keeps_what_had_nothing_to_undo():
    nest = Nest(
        "tasks:\n  g: {tasks: {a: {ACT}, b: {needs: a, ACT, compensate: {ACT}}, c: {needs: b, ACT}}}\n  d: {needs: g, ACT}\n"
    )
    nest.succeed("g/a", "g/b", "g/c")
    nest.fail("d")
    nest.undoing()
    nest.retry()
    assert (nest.asked, nest.outcome("g/a")) == (["g/b"], "succeeded")
    nest.succeed("g/b", "g/c", "d")
    assert (nest.outcome(), nest.run("g/c")["generation"]) == ("succeeded", 2)
    nest.check_end()


def test_a_group_that_was_undone_as_a_whole_begins_anew():
    nest = Nest("tasks:\n  g: {compensate: {ACT}, tasks: {a: {ACT}}}\n  d: {needs: g, ACT}\n")
    nest.succeed("g/a")
    nest.fail("d")
    nest.undoing()
    nest.retry()
    assert (nest.asked, nest.run("g/a")["generation"]) == (["g/a"], 2)
    nest.succeed("g/a", "d")
    nest.check_end()


def test_of_a_loop_only_the_items_that_did_not_succeed_run_again():
    nest = Nest(
        "tasks:\n  x: {for_each: [1, 2, 3], tasks: {a: {ACT}, b: {needs: a, ACT}}, outputs: {n: '${{ item }}'}}\n"
        "  y: {needs: x, uses: values, with: {all: '${{ tasks.x.outputs }}'}}\n"
    )
    nest.succeed(*(f"x[{item}]/a" for item in range(3)), "x[0]/b", "x[2]/b")
    nest.fail("x[1]/b")
    nest.retry()
    assert (nest.asked, nest.outcome("x")) == (["x[1]/b"], "running")
    nest.fail("x[1]/b")
    nest.retry()
    nest.succeed("x[1]/b")
    assert nest.run("y")["outputs"] == {"all": [{"n": 1}, {"n": 2}, {"n": 3}]}
    assert (nest.outcome(), nest.run("x[1]/b")["attempt"]) == ("succeeded", 3)
    nest.check_end()


def test_items_that_were_never_opened_are_opened_by_a_retry():
    nest = Nest("tasks:\n  x: {for_each: [1, 2, 3, 4], max_parallel: 2, fail_fast: true, ACT}\n")
    nest.succeed("x[0]")
    nest.fail("x[1]")
    nest.stopped("x[2]")
    nest.retry()
    assert nest.asked == ["x[1]", "x[2]"]
    nest.succeed("x[1]", "x[2]", "x[3]")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_a_cancelled_loop_goes_on_although_no_item_failed():
    nest = Nest("tasks:\n  x: {for_each: [1, 2], max_parallel: 1, ACT}\n  w: {ACT}\n")
    nest.pause()
    nest.succeed("x[0]")
    nest.cancel()
    nest.stopped("w")
    nest.retry()
    assert sorted(nest.asked) == ["w", "x[1]"], "the pause ended with the cancelling"
    nest.succeed("w", "x[1]")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_items_that_were_undone_are_done_again_also_those_with_nothing_to_undo():
    nest = Nest(
        """
tasks:
  x:
    for_each: [1, 2]
    tasks:
      s: {switch: {one: item == 1, other: otherwise}}
      a: {needs: s.one, ACT, compensate: {ACT}}
      b: {needs: s.done, ACT}
  y: {needs: x, ACT}
"""
    )
    nest.succeed("x[0]/a", "x[0]/b", "x[1]/b")
    nest.fail("y")
    assert nest.undoing() == ["x[0]/a/compensate"]
    nest.retry()
    assert nest.asked == ["x[0]/a"]
    nest.succeed("x[0]/a", "y")
    assert (nest.outcome(), nest.run("x[0]/b")["attempt"]) == ("succeeded", 1)
    nest.check_end()


@pytest.mark.parametrize(
    "text",
    [
        "x: {for_each: 'inputs.n', ACT}",
        "x: {for_each: ['a', 'a'], key: item, ACT}",
        "x: {repeat: {while: '1 / inputs.n > 0', max_iterations: 2}, ACT}",
    ],
)
def test_loops_that_never_began_begin_anew(text):
    nest = Nest(f"inputs: {{n: {{}}}}\ntasks:\n  {text}\n", n=0)
    assert nest.outcome() == "failed"
    nest.retry()
    assert (nest.outcome(), nest.run("x")["attempt"]) == ("failed", 2)
    nest.check_end()


def test_what_was_skipped_or_held_when_the_instance_was_cancelled_begins_then():
    nest = Nest(
        """
tasks:
  a: {ACT}
  b: {ACT}
  g: {needs: a, tasks: {c: {ACT}}}
  x: {needs: b, for_each: [1], ACT}
  r: {needs: b, repeat: {until: iteration == 1, max_iterations: 1}, ACT}
"""
    )
    nest.pause()
    nest.succeed("a")
    nest.cancel()
    nest.stopped("b")
    assert [nest.outcome(name) for name in "gxr"] == ["cancelled", "skipped", "skipped"]
    nest.retry()
    nest.resume()
    assert nest.asked == ["b", "g/c"]
    nest.succeed("b", "g/c", "x[0]", "r#1")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_a_repeat_goes_on_with_the_iteration_that_failed():
    nest = Nest(
        "tasks:\n  x: {repeat: {until: iteration == 3, max_iterations: 3}, tasks: {a: {ACT}, b: {needs: a, ACT}}}\n"
    )
    nest.succeed("x#1/a", "x#1/b", "x#2/a")
    nest.fail("x#2/b")
    nest.retry()
    assert nest.asked == ["x#2/b"]
    nest.succeed("x#2/b", "x#3/a", "x#3/b")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_a_repeat_that_was_cancelled_between_two_iterations_goes_on_with_the_next():
    nest = Nest("tasks:\n  x: {repeat: {until: iteration == 2, delay: 10s, max_iterations: 3}, ACT}\n")
    nest.succeed("x#1")
    nest.cancel()
    nest.retry()
    assert nest.asked == ["x#2"]
    nest.succeed("x#2")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_a_repeat_that_ran_out_of_iterations_begins_anew():
    nest = Nest("tasks:\n  x: {repeat: {until: 'outputs.?n.orValue(0) == 1', max_iterations: 2}, ACT}\n")
    nest.succeed("x#1", "x#2")
    nest.retry()
    assert (nest.asked, nest.run("x#1")["generation"]) == (["x#1"], 2)
    nest.succeed("x#1", outputs={"n": 1})
    assert (nest.outcome(), nest.run("x")["outputs"]) == ("succeeded", {"n": 1})
    nest.check_end()


def test_a_repeat_whose_iterations_were_undone_begins_anew():
    nest = Nest(
        "tasks:\n  x: {repeat: {until: iteration == 2, max_iterations: 2}, ACT, compensate: {ACT}}\n  y: {needs: x, ACT}\n"
    )
    nest.succeed("x#1", "x#2")
    nest.fail("y")
    nest.undoing()
    nest.retry()
    assert nest.asked == ["x#1"]
    nest.succeed("x#1", "x#2", "y")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_an_error_in_outputs_is_looked_at_again():
    nest = Nest(
        "inputs: {n: {type: integer}}\ntasks:\n  g: {tasks: {a: {ACT}}, outputs: {n: '${{ 1 / inputs.n }}'}}\n", n=0
    )
    nest.succeed("g/a")
    nest.retry()
    assert (nest.outcome(), nest.run("g/a")["attempt"], nest.run("g")["attempt"]) == ("failed", 1, 2)
    nest.check_end()


def test_what_cancel_rest_stopped_and_what_was_handled_keep_their_outcomes():
    nest = Nest(
        """
tasks:
  a: {ACT}
  b: {ACT}
  c: {needs: [a, b], join: any, cancel_rest: true, ACT}
  d: {ACT}
  mend: {needs: d.cancelled, ACT}
  e: {needs: c, ACT}
"""
    )
    nest.succeed("a")
    nest.stopped("b", "d")
    nest.succeed("c", "mend")
    nest.fail("e")
    nest.retry()
    assert nest.asked == ["e"]
    nest.succeed("e")
    assert (nest.outcome(), nest.outcome("b"), nest.outcome("d")) == ("succeeded", "cancelled", "cancelled")
    nest.check_end()


def test_where_only_finally_failed_it_alone_runs_again():
    nest = Nest("tasks:\n  a: {ACT}\nfinally: {x: {for_each: [1, 2], ACT}, end: {needs: x, ACT}}\n")
    nest.succeed("a", "finally/x[0]", "finally/x[1]")
    nest.fail("finally/end")
    nest.retry()
    assert (nest.asked, nest.run("a")["attempt"]) == (["finally/x[0]", "finally/x[1]"], 1)
    nest.succeed("finally/x[0]", "finally/x[1]", "finally/end")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_an_exit_is_not_forgotten_by_a_retry_that_begins_before_it():
    nest = Nest("tasks:\n  a: {ACT}\n  s: {needs: a, switch: {bad: 'tasks.a.outputs.?bad.orValue(false)', good: otherwise}}\n"
                "  out: {needs: s.bad, uses: exit, with: {state: failed}}\n  b: {ACT}\n  c: {needs: [s.good, b], ACT}\n")  # fmt: skip
    nest.succeed("a", outputs={"bad": True})
    nest.stopped("b")
    assert nest.outcome() == "failed"
    nest.retry()
    assert nest.outcome() == "failed", "the exit says so once more"
    nest.retry("a")
    assert nest.asked == ["a", "b"], "what was stopped goes on too"
    nest.succeed("a", outputs={"bad": False})
    nest.succeed("b", "c")
    assert (nest.outcome("out"), nest.outcome()) == ("skipped", "succeeded")
    nest.check_end()


def test_a_retry_from_a_task_within_a_group_an_item_an_iteration():
    nest = Nest(
        """
tasks:
  g: {tasks: {a: {ACT}, b: {needs: a, ACT}}}
  x: {for_each: [1, 2], tasks: {a: {ACT}, b: {needs: a, ACT}}}
  leaf: {for_each: [1, 2], ACT}
  r: {repeat: {until: iteration == 3, max_iterations: 3}, tasks: {a: {ACT}, b: {needs: a, ACT}}}
  both: {for_each: [1], repeat: {until: iteration == 2, max_iterations: 2}, ACT}
  after: {needs: [g, x, leaf, r, both], ACT}
"""
    )
    while nest.asked:
        nest.succeed(*nest.asked)
    assert nest.outcome() == "succeeded"
    for named, asked in (
        ("g/b", ["g/b"]),
        ("x[1]/b", ["x[1]/b"]),
        ("x[0]/a", ["x[0]/a", "x[0]/b"]),
        ("leaf[1]", ["leaf[1]"]),
        ("r#2/b", ["r#2/b", "r#3/a", "r#3/b"]),
        ("both[0]#2", ["both[0]#2"]),
        ("both[0]#1", ["both[0]#1", "both[0]#2"]),
    ):
        nest.retry(named)
        ran = []
        while nest.asked:
            ran += nest.asked
            nest.succeed(*nest.asked)
        assert ran == [*asked, "after"], named
        assert nest.outcome() == "succeeded"
        nest.check_end()


def test_a_named_item_and_those_that_failed_run_again():
    nest = Nest("tasks:\n  x: {for_each: [1, 2, 3], tasks: {a: {ACT}, b: {needs: a, ACT}}}\n")
    nest.succeed("x[0]/a", "x[1]/a", "x[2]/a", "x[0]/b", "x[2]/b")
    nest.fail("x[1]/b")
    nest.retry("x[2]/b")
    assert sorted(nest.asked) == ["x[1]/b", "x[2]/b"]
    nest.succeed("x[1]/b", "x[2]/b")
    assert nest.outcome() == "succeeded"
    nest.check_end()
    nest = Nest("tasks:\n  x: {for_each: [1, 2], tasks: {a: {ACT}, b: {needs: a, ACT}}}\n")
    nest.succeed("x[0]/a", "x[1]/a", "x[0]/b")
    nest.fail("x[1]/b")
    nest.retry("x[1]/a")
    assert nest.asked == ["x[1]/a"]
    nest.succeed("x[1]/a", "x[1]/b")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_a_deadline_counts_anew_after_a_retry():
    nest = Nest("tasks:\n  x: {deadline: 10s, for_each: [1, 2], ACT}\n")
    nest.succeed("x[0]")
    nest.pass_(10_000)
    nest.stopped("x[1]")
    nest.pass_(60_000)
    nest.retry()
    assert nest.asked == ["x[1]"]
    nest.pass_(10_000)
    nest.stopped("x[1]")
    assert nest.run("x")["error"]["kind"] == "timeout"
    nest.check_end()
