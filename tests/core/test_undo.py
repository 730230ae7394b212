"""Compensation over nested scopes: newest first, one at a time (LANGUAGE, "Edges, outcomes, joins")."""

from __future__ import annotations

from tests.core.nest import Nest

DONE = "ACT, compensate: {ACT}"


def nested(text: str, **inputs: object) -> Nest:
    return Nest(text.replace("DONE", DONE), **inputs)


def test_a_failure_undoes_what_succeeded_newest_completion_first():
    nest = nested(
        "tasks:\n  a: {DONE}\n  b: {DONE}\n  c: {DONE}\n  d: {needs: [a, b, c], ACT}\nfinally: {end: {ACT}}\n"
    )
    nest.succeed("b", "c", "a")
    nest.fail("d")
    assert (nest.outcome(), nest.summary) == ("compensating", "compensating")
    assert nest.undoing() == ["a/compensate", "c/compensate", "b/compensate"]
    assert nest.asked == ["finally/end"]
    nest.succeed("finally/end")
    assert nest.outcome() == "failed"
    nest.check_end()


def test_what_failed_was_skipped_or_has_nothing_to_undo_is_left_alone():
    nest = nested(
        "tasks:\n  a: {DONE}\n  b: {DONE}\n  c: {needs: a.failed, DONE}\n  plain: {ACT}\n  d: {needs: [a, plain], ACT}\n"
    )
    nest.succeed("a", "plain")
    nest.fail("b", "d")
    assert nest.undoing() == ["a/compensate"]
    nest.check_end()


def test_success_undoes_nothing():
    nest = nested("tasks:\n  a: {DONE}\n  b: {needs: a, ACT}\n  mend: {needs: b.failed, ACT}\n")
    nest.succeed("a")
    nest.fail("b")
    nest.succeed("mend")
    assert (nest.outcome(), "a/compensate" in nest.scopes) == ("succeeded", False)
    nest.check_end()


def test_nested_scopes_are_undone_within_each_newest_first():
    nest = nested(
        """
tasks:
  a: {DONE}
  g:
    needs: a
    tasks:
      b: {DONE}
      x: {needs: b, for_each: [1, 2, 3], tasks: {c: {DONE}, d: {needs: c, DONE}}}
      r: {needs: x, repeat: {until: iteration == 2, max_iterations: 2}, tasks: {e: {DONE}}}
  last: {needs: g, ACT}
"""
    )
    nest.succeed(
        "a", "g/b", "g/x[1]/c", "g/x[0]/c", "g/x[2]/c", "g/x[0]/d", "g/x[2]/d", "g/x[1]/d", "g/r#1/e", "g/r#2/e"
    )
    nest.fail("last")
    assert nest.undoing() == [
        "g/r#2/e/compensate",
        "g/r#1/e/compensate",
        *(f"g/x[{item}]/{task}/compensate" for item in (1, 2, 0) for task in "dc"),
        "g/b/compensate",
        "a/compensate",
    ]
    assert nest.outcome() == "failed"
    nest.check_end()


def test_a_scope_that_fails_undoes_itself_and_is_not_undone_again():
    nest = nested("tasks:\n  a: {DONE}\n  g: {needs: a, tasks: {b: {DONE}, c: {needs: b, ACT}}}\n")
    nest.succeed("a", "g/b")
    nest.fail("g/c")
    assert nest.undoing() == ["g/b/compensate", "a/compensate"]
    nest.check_end()


def test_a_group_that_failed_and_is_handled_has_undone_its_own_and_no_more():
    nest = nested(
        "tasks:\n  a: {DONE}\n  g: {needs: a, tasks: {b: {DONE}, c: {needs: b, ACT}}}\n  mend: {needs: g.failed, ACT}\n"
    )
    nest.succeed("a", "g/b")
    nest.fail("g/c")
    assert (nest.asked, nest.outcome("g")) == (["g/b/compensate"], "running")
    nest.succeed("g/b/compensate")
    nest.succeed("mend")
    assert (nest.outcome(), "a/compensate" in nest.scopes) == ("succeeded", False)
    nest.check_end()


def test_its_own_compensation_replaces_those_of_what_is_below():
    nest = nested(
        """
tasks:
  g: {compensate: {ACT}, tasks: {b: {DONE}}}
  x: {compensate: {ACT}, for_each: [1, 2], tasks: {c: {DONE}}}
  r: {compensate: {ACT}, repeat: {until: iteration == 1, max_iterations: 1}, tasks: {d: {DONE}}}
  last: {needs: [g, x, r], ACT}
"""
    )
    nest.succeed("g/b", "x[0]/c", "x[1]/c", "r#1/d")
    nest.fail("last")
    assert nest.undoing() == ["r/compensate", "x/compensate", "g/compensate"]
    nest.check_end()


def test_a_loop_that_failed_has_its_items_undone_one_by_one_where_nobody_handles_it():
    text = "tasks:\n  x: {compensate: {ACT}, for_each: [1, 2, 3], tasks: {c: {DONE}}}\n  y: {needs: x.failed, ACT}\n"
    nest = nested(text)
    nest.succeed("x[0]/c", "x[2]/c")
    nest.fail("x[1]/c")
    nest.fail("y")
    assert nest.undoing() == ["x[2]/c/compensate", "x[0]/c/compensate"]
    nest.check_end()
    nest = nested(text)
    nest.succeed("x[0]/c", "x[2]/c")
    nest.fail("x[1]/c")
    nest.succeed("y")
    assert (nest.outcome(), nest.outcome("x[0]")) == ("succeeded", "succeeded"), "handled: the other items stay"
    assert not nest.scopes["x[0]"].get("undone")
    nest.check_end()


def test_a_leaf_under_a_loop_is_undone_for_each_item_and_iteration():
    nest = nested(
        "tasks:\n  x: {for_each: [1, 2], repeat: {until: iteration == 2, max_iterations: 2}, DONE}\n  last: {needs: x, ACT}\n"
    )
    nest.succeed("x[0]#1", "x[1]#1", "x[1]#2", "x[0]#2")
    nest.fail("last")
    assert nest.undoing() == [f"x[{item}]#{number}/compensate" for item in (0, 1) for number in (2, 1)]
    nest.check_end()


def test_after_a_compensation_that_fails_the_rest_run_and_the_instance_ends_failed():
    nest = nested(
        "tasks:\n  a: {DONE}\n  g: {needs: a, tasks: {b: {DONE}, c: {needs: b, DONE}}}\n  d: {needs: g, ACT}\n"
    )
    nest.succeed("a", "g/b", "g/c")
    nest.cancel()
    nest.stopped("d")
    nest.fail("g/c/compensate")
    assert nest.undoing() == ["g/b/compensate", "a/compensate"]
    assert (nest.outcome(), nest.failures) == ("failed", [("g/c/compensate", "failed")])
    nest.check_end()


def test_a_cancelled_scope_undoes_what_it_did_and_what_arrives_late_too():
    nest = nested("tasks:\n  g: {tasks: {a: {DONE}, b: {DONE}, c: {DONE}}}\n  mend: {needs: g.cancelled, ACT}\n")
    nest.succeed("g/a")
    nest.cancel("g")
    nest.succeed("g/b")
    nest.stopped("g/c")
    assert nest.asked == ["g/b/compensate"]
    nest.succeed("g/b/compensate")
    nest.succeed("g/a/compensate")
    nest.succeed("mend")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_an_exit_that_is_no_success_undoes_and_one_that_is_does_not():
    for state, undone in (("succeeded", []), ("cancelled", ["a/compensate"]), ("failed", ["a/compensate"])):
        nest = nested(f"tasks:\n  a: {{DONE}}\n  out: {{needs: a, uses: exit, with: {{state: {state}}}}}\n")
        nest.succeed("a")
        assert nest.undoing() == undone
        assert nest.outcome() == state
        nest.check_end()


def test_an_error_in_outputs_undoes_like_any_failure():
    nest = nested("inputs: {n: {type: integer}}\ntasks:\n  a: {DONE}\noutputs: {n: '${{ 1 / inputs.n }}'}\n", n=0)
    nest.succeed("a")
    assert nest.undoing() == ["a/compensate"]
    assert (nest.outcome(), nest.failures) == ("failed", [("", "failed")])
    nest.check_end()


def test_an_error_in_the_outputs_of_a_group_undoes_the_group():
    nest = nested(
        "inputs: {n: {type: integer}}\ntasks:\n  g: {tasks: {a: {DONE}}, outputs: {n: '${{ 1 / inputs.n }}'}}\n  b: {needs: g.failed, ACT}\n",
        n=0,
    )
    nest.succeed("g/a")
    nest.succeed("g/a/compensate")
    nest.succeed("b")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_a_timeout_undoes_too_in_its_own_time():
    nest = nested("timeout: 10s\ntasks:\n  a: {DONE}\n  b: {needs: a, ACT}\n")
    nest.succeed("a")
    nest.pass_(10_000)
    nest.stopped("b")
    nest.pass_(60_000)
    assert nest.undoing() == ["a/compensate"]
    assert nest.failures == [("", "failed")]
    nest.check_end()


def test_what_is_being_undone_is_undone_to_its_end_whoever_cancels():
    nest = nested("tasks:\n  g: {tasks: {a: {DONE}}}\n  b: {needs: g, ACT}\n")
    nest.succeed("g/a")
    nest.fail("b")
    before = dict(nest.scopes)
    nest.cancel()
    nest.cancel("g")
    assert nest.scopes == before
    assert nest.undoing() == ["g/a/compensate"]
    nest.check_end()


def test_a_switch_has_nothing_to_undo():
    nest = nested("tasks:\n  s: {switch: {a: 'true', b: otherwise}}\n  x: {needs: s.a, DONE}\n  y: {needs: x, ACT}\n")
    nest.succeed("x")
    nest.fail("y")
    assert nest.undoing() == ["x/compensate"]
    nest.check_end()


def test_a_compensation_reads_the_outputs_of_what_it_undoes_in_its_own_scope():
    nest = Nest(
        """
tasks:
  x:
    for_each: ["a", "b"]
    key: item
    ACT
    compensate: {uses: values, with: {n: "${{ outputs.?n.orValue('none') }}", item: "${{ item }}"}}
  y: {needs: x, ACT}
""".replace("    ACT\n", "    uses: python\n    with: {call: 'package.module:function'}\n")
    )
    nest.succeed("x[a]", outputs={"n": "one"})
    nest.succeed("x[b]", outputs={"n": "two"})
    nest.fail("y")
    assert nest.run("x[a]/compensate")["outputs"] == {"n": "one", "item": "a"}
    assert nest.run("x[b]/compensate")["outputs"] == {"n": "two", "item": "b"}
    nest.check_end()


def test_many_items_are_undone_over_several_windows():
    nest = Nest(
        "inputs: {n: {type: array}}\ntasks:\n"
        "  x: {for_each: inputs.n, uses: values, with: {n: 1}, compensate: {uses: values, with: {}}}\n"
        "  y: {needs: x, uses: fail, with: {message: 'no'}}\n",
        n=[*range(7)],
    )
    assert [state.get("undone") for path, state in nest.scopes.items() if path.endswith("]")] == [True] * 7
    nest.check_end()
