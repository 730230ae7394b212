"""Pausing and resuming: nothing new starts at any depth, and all that was held goes on (LANGUAGE, "States of an instance")."""

from __future__ import annotations

import pytest

from tests.core.nest import Nest


def held(nest: Nest) -> list[str]:
    return [path for path, state in nest.outcomes.items() if state == "waiting"]


def test_a_paused_instance_starts_nothing_and_what_runs_ends():
    nest = Nest("tasks:\n  a: {ACT}\n  b: {needs: a, ACT}\n  g: {needs: a, tasks: {c: {ACT}}}\n")
    nest.pause()
    assert nest.summary == "paused"
    nest.succeed("a")
    assert (nest.asked, held(nest), nest.summary) == ([], ["b", "g"], "paused")
    nest.resume()
    assert nest.asked == ["b", "g/c"]
    nest.succeed("b", "g/c")
    nest.check_end()


def test_every_kind_of_task_is_held():
    nest = Nest(
        """
tasks:
  a: {ACT}
  leaf: {needs: a, ACT}
  value: {needs: a, uses: values, with: {}}
  wait: {needs: a, uses: wait, with: {for: 1s}}
  ask: {needs: a, uses: approval, with: {message: "?", approvers: [ana]}}
  choose: {needs: a, switch: {x: otherwise}}
  fails: {needs: a, uses: fail, with: {message: "no"}}
  mend: {needs: fails.failed, uses: values, with: {}}
  group: {needs: a, tasks: {i: {ACT}}}
  each: {needs: a, for_each: [1], ACT}
  again: {needs: a, repeat: {until: iteration == 1, max_iterations: 1}, ACT}
  child: {needs: a, workflow: w, with: {}}
  out: {needs: value, uses: exit, with: {state: succeeded}}
"""
    )
    nest.pause()
    nest.succeed("a")
    names = ["leaf", "value", "wait", "ask", "choose", "fails", "group", "each", "again", "child"]
    assert [nest.outcome(name) for name in names] == ["waiting"] * len(names)
    assert all(nest.run(name)["held"] == "begin" for name in names)
    assert (nest.asked, list(nest.scopes)) == ([], [""])
    nest.pass_(10_000)
    nest.resume()
    assert nest.outcome() == "cancelling", "`out` could start: it ends the scope"


def test_a_held_task_keeps_to_what_it_would_have_seen():
    nest = Nest(
        """
tasks:
  a: {ACT}
  b: {ACT}
  c: {needs: [a, b], join: any, uses: values, with: {n: "${{ tasks.b.?outputs.?n.orValue('unseen') }}"}}
"""
    )
    nest.pause()
    nest.succeed("a")
    nest.succeed("b", outputs={"n": "seen"})
    nest.resume()
    assert nest.run("c")["outputs"] == {"n": "unseen"}
    nest.check_end()


def test_loops_are_held_between_items_and_iterations():
    nest = Nest(
        """
tasks:
  x: {for_each: [1, 2, 3], max_parallel: 1, ACT}
  r: {repeat: {until: iteration == 2, max_iterations: 2}, ACT}
  d: {repeat: {until: iteration == 2, delay: 10s, max_iterations: 2}, ACT}
"""
    )
    nest.pause()
    nest.succeed("x[0]", "r#1", "d#1")
    nest.pass_(20_000)
    assert (nest.asked, [nest.run(name)["held"] for name in "xrd"]) == ([], ["more"] * 3)
    assert held(nest) == ["x", "r", "d"]
    nest.resume()
    assert nest.asked == ["x[1]", "r#2", "d#2"]
    nest.succeed("x[1]", "x[2]", "r#2", "d#2")
    nest.check_end()


def test_what_is_held_deep_inside_goes_on():
    nest = Nest(
        """
tasks:
  g:
    tasks:
      x:
        for_each: [1, 2]
        tasks:
          r: {repeat: {until: iteration == 1, max_iterations: 1}, tasks: {a: {ACT}, b: {needs: a, ACT}}}
"""
    )
    nest.pause()
    nest.succeed("g/x[0]/r#1/a", "g/x[1]/r#1/a")
    assert (nest.asked, nest.outcome("g")) == ([], "waiting")
    nest.resume()
    assert (nest.asked, nest.outcome("g")) == (["g/x[0]/r#1/b", "g/x[1]/r#1/b"], "running")
    nest.succeed("g/x[0]/r#1/b", "g/x[1]/r#1/b")
    nest.check_end()


def test_retries_that_are_due_are_held():
    nest = Nest("tasks:\n  a: {ACT, retry: {max_attempts: 2, delay: 1s}}\n")
    nest.fail("a")
    nest.pause()
    nest.pass_(5_000)
    assert (nest.asked, nest.run("a")["held"]) == ([], "again")
    nest.resume()
    assert (nest.asked, nest.run("a")["attempt"]) == (["a"], 2)
    nest.succeed("a")
    nest.check_end()


def test_compensation_at_every_depth_and_finally_are_held_too():
    nest = Nest(
        """
tasks:
  a: {ACT, compensate: {ACT}}
  g: {needs: a, tasks: {b: {ACT, compensate: {ACT}}, x: {needs: b, for_each: [1], ACT, compensate: {ACT}}}}
  c: {needs: g, ACT}
finally: {end: {ACT}}
"""
    )
    nest.succeed("a", "g/b", "g/x[0]")
    nest.pause()
    nest.fail("c")
    assert nest.asked == []
    for path in ("g/x[0]/compensate", "g/b/compensate", "a/compensate", "finally/end"):
        assert nest.summary == "paused"
        assert nest.asked == []
        nest.resume()
        assert nest.asked == [path]
        nest.pause()
        nest.succeed(path)
    assert nest.outcome() == "failed"
    nest.check_end()


def test_a_group_that_undoes_itself_is_resumed():
    nest = Nest("tasks:\n  g: {tasks: {a: {ACT, compensate: {ACT}}, b: {needs: a, ACT}}}\n")
    nest.succeed("g/a")
    nest.pause()
    nest.fail("g/b")
    assert nest.asked == []
    nest.resume()
    assert nest.undoing() == ["g/a/compensate"]
    nest.check_end()


def test_cancelling_a_paused_instance_ends_what_was_held():
    nest = Nest(
        """
tasks:
  a: {ACT}
  g: {needs: a, tasks: {b: {ACT}}}
  x: {for_each: [1, 2], max_parallel: 1, ACT}
  r: {repeat: {until: iteration == 2, max_iterations: 2}, ACT}
"""
    )
    nest.pause()
    nest.succeed("a", "x[0]", "r#1")
    nest.cancel()
    assert [nest.outcome(name) for name in ("g", "x", "r")] == ["cancelled"] * 3
    assert (nest.outcome(), "g" in nest.scopes) == ("cancelled", False)
    nest.check_end()


def test_cancelling_ends_a_pause_so_undoing_and_finally_need_nobody_to_resume():
    nest = Nest(
        """
tasks:
  a: {ACT, compensate: {ACT}}
  b: {needs: a, ACT}
  g: {tasks: {c: {ACT, compensate: {ACT}}, d: {needs: c, ACT}}}
finally: {end: {ACT}}
"""
    )
    nest.pause()
    nest.succeed("a", "g/c")
    assert nest.asked == []
    nest.cancel()
    assert nest.asked == ["g/c/compensate"], "what was held is called off, and started nothing"
    assert nest.summary == "running"
    assert nest.undoing() == ["g/c/compensate", "a/compensate"]
    nest.succeed("finally/end")
    assert nest.outcome() == "cancelled"
    nest.check_end()


def test_cancelling_lets_an_undoing_go_on_that_was_held():
    nest = Nest("tasks:\n  a: {ACT, compensate: {ACT}}\n  b: {needs: a, ACT}\n")
    nest.succeed("a")
    nest.pause()
    nest.fail("b")
    nest.cancel()
    assert nest.undoing() == ["a/compensate"]
    assert nest.outcome() == "failed"
    nest.check_end()


def test_cancelling_lets_finally_end_that_was_held():
    nest = Nest("tasks: {a: {ACT}}\nfinally: {b: {ACT}, c: {needs: b, ACT}}\n")
    nest.succeed("a")
    nest.pause()
    nest.succeed("finally/b")
    nest.cancel()
    assert (nest.outcome("finally/c"), nest.outcome()) == ("cancelled", "cancelled")
    nest.check_end()


def test_cancelling_again_ends_a_pause_that_came_later():
    nest = Nest("tasks: {a: {ACT, compensate: {ACT}}, b: {ACT}}\n")
    nest.succeed("a")
    nest.cancel()
    nest.pause()
    nest.stopped("b")
    assert nest.asked == []
    nest.cancel()
    assert nest.undoing() == ["a/compensate"]
    nest.check_end()


@pytest.mark.usefixtures("small_windows")
def test_cancelling_reaches_the_undoing_of_every_item_in_windows():
    nest = Nest("tasks: {x: {for_each: [1, 2, 3, 4, 5], tasks: {a: {ACT, compensate: {ACT}}, b: {needs: a, ACT}}}}\n")
    nest.succeed(*(f"x[{item}]/a" for item in range(5)))
    nest.pause()
    nest.fail(*(f"x[{item}]/b" for item in range(5)))
    nest.cancel()
    assert nest.asked == [f"x[{item}]/a/compensate" for item in range(5)]
    nest.succeed(*nest.asked)
    assert nest.outcome() == "failed"
    nest.check_end()


def test_items_that_run_on_behind_their_loop_are_resumed():
    nest = Nest("tasks: {x: {for_each: [1, 2], enough: 1, rest: run_on, tasks: {a: {ACT}, b: {needs: a, ACT}}}}\n")
    nest.succeed("x[0]/a", "x[0]/b")
    nest.pause()
    nest.succeed("x[1]/a")
    nest.resume()
    assert nest.asked == ["x[1]/b"]
    nest.succeed("x[1]/b")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_pausing_or_resuming_twice_changes_nothing():
    nest = Nest("tasks:\n  a: {ACT}\n")
    before = dict(nest.scopes)
    nest.resume()
    assert nest.scopes == before
    nest.pause()
    before = dict(nest.scopes)
    nest.pause()
    assert nest.scopes == before


def test_a_deadline_passes_while_the_instance_is_paused():
    nest = Nest("tasks:\n  a: {ACT}\n  x: {deadline: 10s, for_each: [1, 2], max_parallel: 1, ACT}\n")
    nest.pause()
    nest.succeed("x[0]")
    nest.pass_(10_000)
    assert (nest.outcome("x"), nest.run("x")["error"]["kind"]) == ("failed", "timeout")
    nest.succeed("a")
    nest.check_end()


def test_the_deadline_of_a_task_that_is_held_counts_from_when_it_was_ready():
    nest = Nest("tasks:\n  a: {ACT}\n  b: {needs: a, deadline: 10s, ACT}\n")
    nest.pause()
    nest.succeed("a")
    ready = nest.now
    nest.pass_(6_000)
    nest.resume()
    assert nest.asked == ["b"]
    assert nest.run("b")["timers"]["deadline"] == ready + 10_000
    nest.pass_(4_000)
    assert (nest.outcome("b"), nest.run("b")["error"]["kind"]) == ("failed", "timeout")
    nest.check_end()


HELD = """
tasks:
  a: {ACT}
  b: {needs: a, deadline: 10s, ACT}
  g: {needs: a, deadline: 10s, tasks: {c: {ACT}}}
  v: {needs: a, deadline: 10s, uses: values, with: {}}
  unwanted: {needs: a, deadline: 10s, if: "1 > 2", ACT}
  unclear: {needs: a, deadline: 10s, if: "[1][instance.id.size()] == 2", ACT}
  more: {needs: [b.failed, g.failed, v.failed, unwanted.skipped, unclear.failed], ACT}
"""


def test_it_passes_while_a_task_is_held_before_its_first_attempt_unless_that_was_not_wanted():
    nest = Nest(HELD)
    nest.pause()
    nest.succeed("a")
    nest.pass_(10_000)
    assert [nest.run(name)["error"]["kind"] for name in "bgv"] == ["timeout"] * 3
    assert (nest.outcome("unwanted"), nest.outcome("unclear")) == ("skipped", "failed")
    assert nest.run("unclear")["error"]["kind"] != "timeout"
    assert (nest.outcome("more"), nest.asked) == ("waiting", [])
    nest.resume()
    nest.succeed("more")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_a_task_that_is_freed_after_its_deadline_does_not_begin():
    """Nobody noticed that in time; an engine of before had no timer of it while the task was held."""
    for timers in (True, False):
        nest = Nest("tasks:\n  a: {ACT}\n  b: {needs: a, deadline: 10s, ACT}\n")
        nest.pause()
        nest.succeed("a")
        if not timers:
            del nest.run("b")["timers"]
        nest.now += 10_000
        nest.resume()
        assert nest.asked == []
        assert (nest.outcome("b"), nest.run("b")["error"]["kind"]) == ("failed", "timeout")


@pytest.mark.parametrize("noticed", [True, False])
@pytest.mark.parametrize("failed", [True, False])
def test_a_lost_attempt_that_is_held_until_its_deadline_fails_with_the_last_error(noticed, failed):
    nest = Nest("tasks:\n  a: {ACT, deadline: 10s, retry: {max_attempts: 2, delay: 0s}}\n")
    if failed:
        nest.fail("a")
    nest.pause()
    nest.lose("a")
    assert nest.run("a")["held"] == "again"
    if noticed:
        nest.pass_(10_000)
    else:
        nest.now += 10_000
    nest.resume()
    assert nest.outcome("a") == "failed"
    assert nest.run("a")["error"]["kind"] == ("exit" if failed else "timeout")
    nest.check_end()
