"""`repeat`: a scope for each iteration, one after the other (LANGUAGE, "Scopes")."""

from __future__ import annotations

from engine.core.iterations import BURST
from tests.core.nest import Nest


def test_until_is_looked_at_after_each_iteration_and_the_outputs_are_the_last_ones():
    nest = Nest(
        "tasks:\n  x: {repeat: {until: 'outputs.?n.orValue(0) == 2', max_iterations: 5}, ACT}\n"
        "  y: {needs: x, uses: values, with: {n: '${{ tasks.x.outputs.?n.orValue(0) }}'}}\n"
    )
    nest.succeed("x#1", outputs={"n": 1})
    assert nest.asked == ["x#2"]
    nest.succeed("x#2", outputs={"n": 2})
    assert nest.run("y")["outputs"] == {"n": 2}
    nest.check_end()


def test_while_is_looked_at_before_each_iteration_and_may_allow_none():
    text = "inputs: {n: {type: integer}}\ntasks:\n  x: {repeat: {while: 'index < inputs.n', max_iterations: 5}, ACT}\n"
    nest = Nest(text, n=0)
    assert (nest.outcome("x"), nest.run("x")["outputs"]) == ("succeeded", {})
    nest.check_end()
    nest = Nest(text, n=2)
    nest.succeed("x#1", outputs={"n": 1})
    nest.succeed("x#2", outputs={"n": 2})
    assert (nest.outcome("x"), nest.run("x")["outputs"]) == ("succeeded", {"n": 2})
    nest.check_end()


def test_until_can_read_the_tasks_of_the_iteration():
    nest = Nest(
        "tasks:\n  x:\n    repeat: {until: tasks.probe.outputs.n == 1, max_iterations: 5}\n"
        "    tasks: {probe: {ACT, outputs: {n: {type: integer}}}}\n"
    )
    nest.succeed("x#1/probe", outputs={"n": 0})
    nest.succeed("x#2/probe", outputs={"n": 1})
    assert (nest.outcome("x"), nest.run("x")["outputs"]) == ("succeeded", {})
    nest.check_end()


def test_too_many_iterations_are_a_failure():
    nest = Nest("tasks:\n  x: {repeat: {until: 'iteration > 9', max_iterations: 2}, ACT}\n")
    nest.succeed("x#1")
    nest.succeed("x#2")
    assert (nest.outcome("x"), nest.run("x")["error"]["kind"]) == ("failed", "max_iterations")
    nest.check_end()


def test_a_failed_iteration_ends_it_in_its_own_words():
    nest = Nest("tasks:\n  x: {repeat: {until: 'iteration > 9', max_iterations: 9}, tasks: {a: {ACT}}}\n")
    nest.succeed("x#1/a")
    nest.fail("x#2/a", kind="network")
    assert (nest.outcome("x"), nest.run("x")["error"]["kind"]) == ("failed", "network")
    nest.check_end()


def test_an_error_in_until_fails_the_iteration_and_one_in_while_the_task():
    nest = Nest("tasks:\n  x: {repeat: {until: 'outputs.n == 1', max_iterations: 9}, ACT, outputs: {n: {}}}\n")
    nest.succeed("x#1", outputs={"n": None})
    assert nest.outcome("x") == "running", "null is not 1"
    nest.succeed("x#2", outputs={})
    assert (nest.outcome("x"), nest.run("x")["error"]["kind"]) == ("failed", "expression")
    nest.check_end()
    nest = Nest(
        "tasks:\n  x: {repeat: {while: '1 / (2 - iteration) < 9', max_iterations: 9}, ACT}\n  y: {needs: x.failed, ACT}\n"
    )
    nest.succeed("x#1")
    assert (nest.outcome("x"), nest.run("x")["error"]["kind"]) == ("failed", "expression")


def test_iterations_know_their_number_and_what_came_before():
    nest = Nest(
        """
tasks:
  x:
    repeat: {until: iteration == 3, max_iterations: 3}
    uses: values
    with: {i: "${{ iteration }}", j: "${{ index }}", sum: "${{ previous.?sum.orValue(0) + iteration }}"}
"""
    )
    assert nest.run("x")["outputs"] == {"i": 3, "j": 2, "sum": 6}
    nest.check_end()


def test_the_first_iteration_of_an_inner_loop_knows_nothing_of_the_outer_ones_before():
    nest = Nest(
        """
tasks:
  x:
    repeat: {until: iteration == 2, max_iterations: 2}
    tasks:
      y:
        repeat: {until: iteration == 2, max_iterations: 2}
        uses: values
        with: {n: "${{ previous.?n.orValue(0) + 1 }}", i: "${{ iteration }}"}
    outputs: {n: "${{ tasks.y.outputs.n + 10 }}", i: "${{ iteration }}"}
"""
    )
    assert nest.run("x")["outputs"] == {"n": 12, "i": 2}
    nest.check_end()


def test_between_two_iterations_it_waits_for_the_delay():
    nest = Nest("tasks:\n  x: {repeat: {until: 'iteration == 2', delay: 10s, max_iterations: 5}, ACT}\n")
    nest.succeed("x#1")
    assert (nest.outcome("x"), nest.summary, nest.asked) == ("waiting", "waiting", [])
    nest.pass_(9_999)
    assert nest.asked == []
    nest.pass_(1)
    assert (nest.outcome("x"), nest.asked) == ("running", ["x#2"])
    nest.succeed("x#2")
    nest.check_end()


def test_between_two_iterations_it_is_cancelled_at_once():
    nest = Nest("tasks:\n  x: {repeat: {until: 'iteration == 2', delay: 10s, max_iterations: 5}, ACT}\n")
    nest.succeed("x#1")
    nest.cancel()
    assert (nest.outcome("x"), nest.outcome()) == ("cancelled", "cancelled")
    nest.check_end()


def test_a_cancelled_iteration_ends_it_even_if_its_task_succeeds():
    nest = Nest("tasks:\n  x: {repeat: {until: 'iteration == 1', max_iterations: 5}, ACT}\n")
    nest.cancel()
    nest.succeed("x#1")
    assert (nest.run("x#1")["state"], nest.outcome("x")) == ("succeeded", "cancelled")
    nest.check_end()


def test_over_its_deadline_it_fails_also_between_two_iterations():
    nest = Nest("tasks:\n  x: {deadline: 15s, repeat: {until: 'iteration == 9', delay: 10s, max_iterations: 9}, ACT}\n")
    nest.succeed("x#1")
    nest.pass_(10_000)
    nest.succeed("x#2")
    nest.pass_(5_000)
    assert (nest.outcome("x"), nest.run("x")["error"]["kind"]) == ("failed", "timeout")
    nest.check_end()


def test_the_timeout_bounds_one_iteration():
    nest = Nest(
        "tasks:\n  x: {timeout: 10s, repeat: {until: 'iteration == 9', max_iterations: 9}, tasks: {a: {ACT}}}\n"
    )
    nest.pass_(9_000)
    nest.succeed("x#1/a")
    nest.pass_(9_000)
    assert nest.outcome("x") == "running"
    nest.pass_(1_000)
    nest.stopped("x#2/a")
    assert (nest.outcome("x"), nest.run("x")["error"]["kind"]) == ("failed", "timeout")
    nest.check_end()


def test_iterations_that_take_no_time_do_not_make_one_transaction():
    many = BURST * 2 + 50
    nest = Nest(
        f"tasks:\n  x: {{repeat: {{until: iteration == {many}, max_iterations: {many}}}, uses: values, with: {{n: '${{{{ iteration }}}}'}}}}\n"
    )
    assert nest.run("x")["outputs"] == {"n": many}
    assert [event["task"] for _, event, _ in nest.history if event["type"] == "ChildrenDue"] == ["x", "x"]
    nest.check_end()


def test_with_both_keys_each_item_repeats():
    nest = Nest(
        "tasks:\n  x: {for_each: ['eu', 'us'], key: item, repeat: {until: 'iteration == 2', max_iterations: 2}, ACT}\n"
        "  y: {needs: x, uses: values, with: {all: '${{ tasks.x.outputs }}'}}\n"
    )
    assert nest.asked == ["x[eu]#1", "x[us]#1"]
    nest.succeed("x[us]#1", "x[eu]#1", "x[us]#2")
    nest.succeed("x[eu]#2", outputs={"n": 4})
    assert nest.run("y")["outputs"] == {"all": [{"n": 4}, {}]}
    nest.check_end()


def test_four_levels_deep():
    nest = Nest(
        """
tasks:
  g:
    tasks:
      each:
        for_each: [1, 2]
        as: outer
        tasks:
          again:
            repeat: {until: iteration == outer, max_iterations: 3}
            tasks:
              inner: {for_each: ["a", "b"], key: item, uses: values, with: {v: "${{ item }}-${{ outer }}-${{ iteration }}"}}
            outputs: {all: "${{ tasks.inner.outputs.map(o, o.v) }}"}
        outputs: {last: "${{ tasks.again.outputs.all }}"}
    outputs: {all: "${{ tasks.each.outputs.map(o, o.last) }}"}
outputs: {all: "${{ tasks.g.outputs.all }}"}
"""
    )
    assert nest.scopes[""]["outputs"] == {"all": [["a-1-1", "b-1-1"], ["a-2-2", "b-2-2"]]}
    assert "g/each[1]/again#2/inner[b]" in nest.scopes
    nest.check_end()
