"""Decisions, every outcome an edge can listen for, `fail`, `exit`, `cancel_rest` and `continue_on_error` (LANGUAGE)."""

from __future__ import annotations

import pytest

from tests.core.nest import Nest


@pytest.mark.parametrize(("score", "outcome"), [(0.1, "high"), (0.6, "medium"), (0.9, "low")])
def test_the_first_true_case_of_a_switch_is_its_outcome(score, outcome):
    nest = Nest(
        """
inputs: {score: {type: number}}
tasks:
  s: {switch: {high: inputs.score < 0.5, medium: inputs.score < 0.8, low: otherwise}}
  h: {needs: s.high, uses: values, with: {}}
  m: {needs: s.medium, uses: values, with: {}}
  l: {needs: s.low, uses: values, with: {}}
  d: {needs: s.done, uses: values, with: {}}
""",
        score=score,
    )
    assert nest.outcome("s") == outcome
    ran = {name for name in "hmld" if nest.outcome(name) == "succeeded"}
    assert ran == {outcome[0], "d"}
    nest.check_end()


def test_a_switch_without_a_true_case_failed():
    nest = Nest(
        "inputs: {n: {type: integer}}\ntasks:\n  s: {switch: {a: inputs.n == 1}}\n  m: {needs: s.failed, ACT}\n", n=2
    )
    assert (nest.outcome("s"), nest.run("s")["error"]["kind"], nest.asked) == ("failed", "no_case", ["m"])


def test_an_error_in_a_case_fails_the_switch_although_a_later_one_is_true():
    nest = Nest("inputs: {n: {type: integer}}\ntasks:\n  s: {switch: {a: 1 / inputs.n > 0, b: otherwise}}\n", n=0)
    assert (nest.outcome("s"), nest.run("s")["error"]["kind"], nest.outcome()) == ("failed", "expression", "failed")
    nest.check_end()


LISTENERS = """
tasks:
  x: {SOURCE}
  positive: {needs: x, uses: values, with: {}}
  failed: {needs: x.failed, uses: values, with: {}}
  skipped: {needs: x.skipped, uses: values, with: {}}
  cancelled: {needs: x.cancelled, uses: values, with: {}}
  done: {needs: x.done, uses: values, with: {}}
"""
SOURCES = {
    "leaf": "uses: python, with: {call: 'package.module:function'}",
    "group": "tasks: {a: {ACT}}",
    "for_each": "for_each: [1], ACT",
    "repeat": "repeat: {until: iteration == 1, max_iterations: 1}, ACT",
}
INNER = {"leaf": "x", "group": "x/a", "for_each": "x[0]", "repeat": "x#1"}


CASES = [(kind, outcome) for kind in SOURCES for outcome in ("succeeded", "failed", "skipped", "cancelled")]
CASES.remove(("for_each", "cancelled"))  # an item that is cancelled fails its loop


@pytest.mark.parametrize(("kind", "outcome"), CASES)
def test_every_outcome_reaches_exactly_its_listeners(kind, outcome):
    source = SOURCES[kind] + (", if: '1 > 2'" if outcome == "skipped" else "")
    nest = Nest(LISTENERS.replace("SOURCE", source))
    inner = INNER[kind]
    if outcome == "succeeded":
        nest.succeed(inner)
    elif outcome == "failed":
        nest.fail(inner)
    elif outcome == "cancelled":
        if kind == "leaf":
            nest.stopped(inner)
        else:
            nest.cancel("x" if kind == "group" else inner)
            nest.stopped(inner)
    assert nest.outcome("x") == outcome
    wanted = {"succeeded": "positive"}.get(outcome, outcome)
    assert {name for name, state in nest.outcomes.items() if state == "succeeded"} - {"x", inner} == {wanted, "done"}
    assert nest.outcome() == "succeeded", "each negative outcome is handled"
    nest.check_end()


def test_done_never_handles_nor_does_a_listener_that_is_skipped():
    nest = Nest("tasks:\n  a: {ACT}\n  b: {ACT}\n  d: {needs: a.done, ACT}\n  h: {needs: [a.failed, b.failed], ACT}\n")
    nest.fail("a")
    nest.succeed("d", "b")
    assert (nest.outcome("h"), nest.outcome(), nest.failures) == ("skipped", "failed", [("a", "failed")])
    nest.check_end()


def test_continue_on_error_satisfies_a_plain_edge_and_is_not_negative_for_merge():
    nest = Nest(
        """
tasks:
  a: {continue_on_error: true, ACT}
  b: {ACT}
  plain: {needs: a, uses: values, with: {o: "${{ tasks.a.outcome }}"}}
  merge: {needs: [a.succeeded, b], join: merge, uses: values, with: {}}
  strict: {needs: a.succeeded, uses: values, with: {}}
  heard: {needs: a.failed, uses: values, with: {}}
"""
    )
    nest.fail("a")
    nest.succeed("b")
    assert nest.run("plain")["outputs"] == {"o": "failed"}
    assert [nest.outcome(name) for name in ("merge", "heard")] == ["succeeded", "succeeded"]
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_continue_on_error_never_accepts_a_cancelled_task():
    nest = Nest("tasks:\n  a: {continue_on_error: true, ACT}\n  b: {needs: a, ACT}\n")
    nest.stopped("a")
    assert (nest.outcome("b"), nest.outcome(), nest.failures) == ("skipped", "failed", [("a", "cancelled")])
    nest.check_end()


@pytest.mark.parametrize("join", ["any", "{at_least: 1}"])
def test_cancel_rest_calls_off_sources_of_every_state(join):
    nest = Nest(
        f"""
tasks:
  first: {{ACT}}
  runs: {{ACT}}
  waits: {{uses: wait, with: {{for: 1h}}}}
  pending: {{needs: runs, ACT}}
  loop: {{for_each: [1], ACT}}
  pause: {{repeat: {{until: iteration == 2, delay: 1h, max_iterations: 2}}, uses: values, with: {{}}}}
  next: {{needs: [first, waits, pending, loop, pause], join: {join}, cancel_rest: true, ACT}}
"""
    )
    nest.succeed("first")
    assert nest.told_to_stop == ["loop[0]"]
    assert [nest.outcome(name) for name in ("waits", "pending", "pause", "runs")] == [
        "cancelled",
        "skipped",
        "cancelled",
        "queued",
    ]
    assert nest.run("pending")["skipped"]["cause"] == "rest"
    nest.stopped("loop[0]")
    nest.succeed("runs", "next")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_a_source_that_fails_over_being_called_off_is_cancelled_and_not_negative():
    nest = Nest("tasks:\n  a: {ACT}\n  b: {ACT}\n  c: {needs: [a, b], join: any, cancel_rest: true, ACT}\n")
    nest.succeed("a")
    nest.fail("b")
    nest.succeed("c")
    assert (nest.outcome("b"), nest.outcome()) == ("cancelled", "succeeded")
    nest.check_end()


def test_without_cancel_rest_later_sources_change_nothing():
    nest = Nest("tasks:\n  a: {ACT}\n  b: {ACT}\n  c: {needs: [a, b], join: any, ACT}\n")
    nest.succeed("a", "c")
    assert nest.outcome() == "running"
    nest.succeed("b")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_fail_fails_with_the_words_of_its_author():
    nest = Nest("tasks:\n  f: {uses: fail, with: {message: no good, kind: mine}}\n  m: {needs: f.failed, ACT}\n")
    assert nest.run("f")["error"] == {"kind": "mine", "message": "no good"}
    nest.succeed("m")
    assert nest.outcome() == "succeeded"


@pytest.mark.parametrize("state", ["succeeded", "failed", "cancelled"])
def test_exit_settles_its_own_scope(state):
    nest = Nest(
        f"""
tasks:
  g:
    tasks:
      go: {{ACT}}
      runs: {{ACT}}
      out: {{needs: go, uses: exit, with: {{state: {state}}}}}
      pending: {{needs: runs, ACT}}
  after: {{needs: g.{state}, ACT}}
"""
    )
    nest.succeed("g/go")
    assert (nest.told_to_stop, nest.outcome("g/pending")) == (["g/runs"], "skipped")
    nest.stopped("g/runs")
    assert (nest.outcome("g/out"), nest.outcome("g")) == ("succeeded", state)
    nest.succeed("after")
    assert nest.outcome() == "succeeded"
    nest.check_end()


@pytest.mark.parametrize("state", ["succeeded", "failed", "cancelled"])
def test_exit_from_deep_inside_ends_the_instance_and_starts_nothing_on_its_way(state):
    nest = Nest(
        f"""
tasks:
  side: {{ACT}}
  g:
    tasks:
      x:
        for_each: [1, 2]
        tasks:
          h: {{tasks: {{go: {{ACT}}, out: {{needs: go, uses: exit, with: {{state: {state}, scope: instance}}}}}}}}
          next: {{needs: h, ACT}}
      later: {{needs: x, ACT}}
finally: {{end: {{uses: values, with: {{s: "${{{{ instance.state }}}}"}}}}}}
"""
    )
    nest.succeed("g/x[1]/h/go")
    assert sorted(nest.told_to_stop) == ["g/x[0]/h/go", "side"]
    assert nest.asked == [], "nothing goes on that the end of an inner scope would have started"
    assert "next" in nest.scopes["g/x[1]"]["tasks"]
    nest.stopped("side", "g/x[0]/h/go")
    assert nest.run("finally/end")["outputs"] == {"s": state}
    assert nest.outcome() == state
    nest.check_end()


@pytest.mark.parametrize("state", ["succeeded", "cancelled"])
def test_exit_never_hides_an_earlier_unhandled_failure(state):
    nest = Nest(f"tasks:\n  a: {{ACT}}\n  b: {{ACT}}\n  out: {{needs: b, uses: exit, with: {{state: {state}}}}}\n")
    nest.fail("a")
    nest.succeed("b")
    assert (nest.outcome(), nest.failures) == ("failed", [("a", "failed")])
    nest.check_end()


def test_what_fails_after_an_exit_is_called_off_and_says_nothing():
    nest = Nest("tasks:\n  a: {ACT}\n  b: {ACT}\n  out: {needs: b, uses: exit, with: {state: succeeded}}\n")
    nest.succeed("b")
    nest.fail("a")
    assert (nest.outcome("a"), nest.outcome()) == ("cancelled", "succeeded")
    nest.check_end()


def test_exit_in_an_item_ends_that_item_alone():
    nest = Nest(
        "tasks:\n  x: {for_each: [1, 2], tasks: {out: {if: index == 0, uses: exit, with: {state: cancelled}}, a: {ACT}}}\n"
    )
    assert (nest.outcome("x[0]"), nest.asked) == ("cancelled", ["x[1]/a"])
    nest.succeed("x[1]/a")
    assert nest.outcome("x") == "failed", "an item that is not positive counts as failed"
    nest.check_end()


def test_exit_ends_an_iteration_and_with_success_the_loop_goes_on():
    nest = Nest(
        "tasks:\n  x: {repeat: {until: iteration == 2, max_iterations: 3}, tasks: {out: {uses: exit, with: {state: succeeded}}, a: {needs: out, ACT}}}\n"
    )
    assert (nest.outcome("x"), nest.outcome("x#1/a"), "x#3" in nest.scopes) == ("succeeded", "skipped", False)
    nest.check_end()


def test_exit_in_finally_ends_finally_alone():
    nest = Nest(
        "tasks:\n  a: {ACT}\nfinally: {out: {uses: exit, with: {state: cancelled, scope: instance}}, b: {needs: out, ACT}}\n"
    )
    nest.succeed("a")
    assert (nest.outcome("finally"), nest.outcome()) == ("cancelled", "cancelled")
    nest.check_end()
