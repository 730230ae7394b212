"""A compensation that failed makes the instance end failed, however deep it was and whoever handled what it was for."""

from __future__ import annotations

import pytest

from tests.core.nest import Nest

DONE = "ACT, compensate: {ACT}"
BODY = "a: {DONE}, b: {needs: a, ACT}"


def nested(text: str) -> Nest:
    return Nest(text.replace("BODY", BODY).replace("DONE", DONE))


def ended(nest: Nest) -> tuple[str, list[str]]:
    nest.check_end()
    return nest.outcome(), [path for path, _ in nest.failures]


@pytest.mark.parametrize("keys", ["", "continue_on_error: true, "])
def test_that_a_group_is_handled_outside_does_not_hide_what_it_could_not_undo(keys):
    nest = nested(f"tasks:\n  g: {{{keys}tasks: {{BODY}}}}\n  mend: {{needs: g.failed, ACT}}\n")
    nest.succeed("g/a")
    nest.fail("g/b", "g/a/compensate")
    assert (nest.outcome("g"), nest.outcome()) == ("failed", "running"), "other branches run on"
    nest.succeed("mend")
    assert ended(nest) == ("failed", ["g/a/compensate"])


def test_it_is_told_upwards_through_scopes_that_succeed():
    nest = nested(
        """
tasks:
  outer:
    tasks:
      x: {for_each: [1], enough: 1, tasks: {r: {repeat: {until: iteration == 1, max_iterations: 1}, continue_on_error: true, tasks: {BODY}}}}
"""
    )
    nest.succeed("outer/x[0]/r#1/a")
    nest.fail("outer/x[0]/r#1/b", "outer/x[0]/r#1/a/compensate")
    assert nest.outcome("outer") == "succeeded"
    assert ended(nest) == ("failed", ["outer/x[0]/r#1/a/compensate"])


def test_the_instance_undoes_what_went_well_as_after_any_failure():
    nest = nested("tasks:\n  before: {DONE}\n  g: {continue_on_error: true, tasks: {BODY}}\nfinally: {tell: {ACT}}\n")
    nest.succeed("before", "g/a")
    nest.fail("g/b", "g/a/compensate")
    assert nest.undoing() == ["before/compensate"]
    nest.succeed("finally/tell")
    assert ended(nest) == ("failed", ["g/a/compensate"])


@pytest.mark.parametrize("state", ["succeeded", "cancelled"])
def test_an_exit_does_not_hide_it(state):
    nest = nested(
        f"tasks:\n  g: {{tasks: {{BODY}}}}\n  out: {{needs: g.failed, uses: exit, with: {{state: {state}}}}}\n"
    )
    nest.succeed("g/a")
    nest.fail("g/b", "g/a/compensate")
    assert ended(nest) == ("failed", ["g/a/compensate"])


@pytest.mark.parametrize("cancelled", [False, True])
def test_in_finally_it_fails_the_instance_too(cancelled):
    nest = nested("tasks: {t: {ACT}}\nfinally: {g: {continue_on_error: true, tasks: {BODY}}}\n")
    if cancelled:
        nest.cancel()
        nest.stopped("t")
    else:
        nest.succeed("t")
    nest.succeed("finally/g/a")
    nest.fail("finally/g/b", "finally/g/a/compensate")
    assert ended(nest) == ("failed", ["finally/g/a/compensate"])


def test_after_a_retry_it_counts_no_more():
    nest = nested("tasks:\n  g: {continue_on_error: true, tasks: {BODY}}\n  other: {needs: g.failed, DONE}\n")
    nest.succeed("g/a")
    nest.fail("g/b", "g/a/compensate")
    nest.succeed("other")
    assert nest.undoing() == ["other/compensate"]
    nest.retry()
    nest.succeed("other")
    assert ended(nest) == ("succeeded", [])


def test_a_few_are_told_however_many_there_are():
    nest = nested("tasks:\n  x: {for_each: [1, 2, 3, 4, 5, 6, 7], continue_on_error: true, tasks: {BODY}}\n")
    for item in range(7):
        nest.succeed(f"x[{item}]/a")
        nest.fail(f"x[{item}]/b", f"x[{item}]/a/compensate")
    assert ended(nest) == ("failed", [f"x[{item}]/a/compensate" for item in range(5)])
