"""What had failed in a task's scope before its own scope was made to end is never hidden by that end (decision 0006)."""

from __future__ import annotations

import pytest

from tests.core.nest import Nest

BODIES = {
    "group": ("tasks: {bad: {ACT}, slow: {ACT}}", "x/bad", "x/slow"),
    "for_each": ("for_each: [1, 2], ACT", "x[0]", "x[1]"),
    "repeat": (
        "repeat: {until: iteration == 1, max_iterations: 1}, tasks: {bad: {ACT}, slow: {ACT}}",
        "x#1/bad",
        "x#1/slow",
    ),
    "item": ("for_each: [1], tasks: {bad: {ACT}, slow: {ACT}}", "x[0]/bad", "x[0]/slow"),
}


def ended(nest: Nest) -> tuple[str, list[str]]:
    """How the instance ended, and over what."""
    nest.check_end()
    return nest.outcome(), [path for path, _ in nest.failures]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("state", ["succeeded", "cancelled"])
def test_exit_never_hides_what_had_failed_further_down(body, state):
    keys, bad, slow = BODIES[body]
    nest = Nest(f"tasks:\n  x: {{{keys}}}\n  go: {{ACT}}\n  out: {{needs: go, uses: exit, with: {{state: {state}}}}}\n")
    nest.fail(bad)
    nest.succeed("go")
    nest.stopped(slow)
    assert nest.outcome("x") == "failed"
    assert ended(nest) == ("failed", ["x"])


@pytest.mark.parametrize("body", BODIES)
def test_what_fails_below_once_the_scope_ends_is_called_off(body):
    keys, bad, slow = BODIES[body]
    nest = Nest(
        f"tasks:\n  x: {{{keys}}}\n  go: {{ACT}}\n  out: {{needs: go, uses: exit, with: {{state: succeeded}}}}\n"
    )
    nest.succeed("go")
    nest.fail(bad, slow)
    assert nest.outcome("x") == "cancelled"
    assert ended(nest) == ("succeeded", [])


def test_an_exit_of_the_instance_hides_nothing_on_its_way():
    nest = Nest(
        """
tasks:
  g:
    tasks:
      h: {tasks: {bad: {ACT}, go: {ACT}, out: {needs: go, uses: exit, with: {state: succeeded, scope: instance}}}}
      i: {tasks: {slow: {ACT}}}
  side: {tasks: {slow: {ACT}}}
"""
    )
    nest.fail("g/h/bad")
    nest.succeed("g/h/go")
    nest.stopped("g/i/slow", "side/slow")
    assert [nest.outcome(path) for path in ("g/h", "g/i", "g", "side")] == [
        "failed",
        "cancelled",
        "failed",
        "cancelled",
    ]
    assert ended(nest) == ("failed", ["g"])


def test_an_exit_that_fails_the_instance_tells_its_own_path_and_no_others():
    nest = Nest("tasks: {g: {tasks: {h: {tasks: {out: {uses: exit, with: {state: failed, scope: instance}}}}}}}\n")
    assert [nest.outcome(path) for path in ("g/h", "g")] == ["cancelled", "cancelled"]
    assert ended(nest) == ("failed", ["g/h/out"])


@pytest.mark.parametrize("listener", ["x.failed", "x.done"])
def test_a_listener_that_was_pending_could_have_handled_it(listener):
    nest = Nest(
        f"""
tasks:
  x: {{tasks: {{bad: {{ACT}}, slow: {{ACT}}}}}}
  mend: {{needs: {listener}, ACT}}
  go: {{ACT}}
  out: {{needs: go, uses: exit, with: {{state: succeeded}}}}
"""
    )
    nest.fail("x/bad")
    nest.succeed("go")
    nest.stopped("x/slow")
    assert nest.outcome("x") == "failed"
    assert ended(nest) == (("succeeded", []) if listener == "x.failed" else ("failed", ["x"]))


def test_a_failure_that_is_accepted_is_none():
    nest = Nest(
        """
tasks:
  x: {continue_on_error: true, tasks: {bad: {ACT}, slow: {ACT}}}
  go: {ACT}
  out: {needs: go, uses: exit, with: {state: succeeded}}
"""
    )
    nest.fail("x/bad")
    nest.succeed("go")
    nest.stopped("x/slow")
    assert ended(nest) == ("succeeded", [])


def test_fail_fast_tells_all_that_had_failed():
    nest = Nest("fail_fast: true\ntasks:\n  x: {tasks: {bad: {ACT}, slow: {ACT}}}\n  y: {ACT}\n")
    nest.fail("x/bad", "y")
    nest.stopped("x/slow")
    assert nest.outcome("x") == "failed"
    assert ended(nest) == ("failed", ["y", "x"])


def test_cancelling_the_instance_hides_nothing_further_down():
    nest = Nest("tasks:\n  x: {tasks: {y: {for_each: [1], tasks: {bad: {ACT}, slow: {ACT}}}, slow: {ACT}}}\n")
    nest.fail("x/y[0]/bad")
    nest.cancel()
    nest.stopped("x/y[0]/slow", "x/slow")
    assert ended(nest) == ("failed", ["x"])


def test_what_cancel_rest_has_no_more_use_for_may_have_failed_before():
    nest = Nest(
        """
tasks:
  x: {tasks: {bad: {ACT}, slow: {ACT}}}
  y: {ACT}
  first: {needs: [x, y], join: any, cancel_rest: true, ACT}
  out: {needs: first, uses: exit, with: {state: succeeded}}
"""
    )
    nest.fail("x/bad")
    nest.succeed("y", "first")
    nest.stopped("x/slow")
    assert nest.outcome("x") == "cancelled"
    assert ended(nest) == ("succeeded", [])


@pytest.mark.parametrize(("enough", "outcome"), [(2, "succeeded"), (3, "failed")])
def test_as_long_as_enough_items_could_succeed_none_of_them_is_missed(enough, outcome):
    nest = Nest(
        f"""
tasks:
  x: {{for_each: [1, 2, 3, 4], enough: {enough}, ACT}}
  go: {{ACT}}
  out: {{needs: go, uses: exit, with: {{state: succeeded}}}}
"""
    )
    nest.fail("x[0]", "x[1]")
    nest.succeed("go")
    nest.stopped("x[2]", "x[3]")
    assert ended(nest)[0] == outcome


def test_a_task_whose_deadline_had_passed_has_failed():
    nest = Nest(
        "tasks:\n  x: {deadline: 1m, tasks: {slow: {ACT}}}\n  go: {ACT}\n  out: {needs: go, uses: exit, with: {state: succeeded}}\n"
    )
    nest.pass_(61_000)
    nest.succeed("go")
    nest.stopped("x/slow")
    assert ended(nest) == ("failed", ["x"])


def test_a_retry_goes_on_with_what_had_failed_and_with_what_was_stopped():
    nest = Nest("fail_fast: true\ntasks:\n  x: {tasks: {bad: {ACT}, slow: {ACT}, well: {ACT}}}\n  y: {ACT}\n")
    nest.succeed("x/well")
    nest.fail("x/bad", "y")
    nest.stopped("x/slow")
    nest.retry()
    assert sorted(nest.asked) == ["x/bad", "x/slow", "y"]
    nest.succeed("x/bad", "x/slow", "y")
    assert ended(nest) == ("succeeded", [])
