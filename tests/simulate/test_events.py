"""Events in simulated instances: of mocks, of the case, of the workflow itself; each counts once."""

from __future__ import annotations

import pytest

from tests.simulate.playing import problems

WAITS = """\
    inputs: {order: {type: string, default: a}}
    tasks:
      paid: {uses: event, with: {type: paid, match: event.body.order == inputs.order, timeout: 2d}}
      late: {needs: paid.timed_out, uses: values, with: {}}
      ship: {needs: paid, uses: values, with: {from: "${{ tasks.paid.outputs.source }}"}}
"""


@pytest.mark.parametrize(
    "case",
    [
        "mocks: {paid: {body: {order: a}, after: 3h}}, expect: {outcomes: {paid: received}, duration: {at_least: 3h, at_most: 3h}}",
        "mocks: {paid: {outcome: received, body: {order: a}}}, expect: {outcomes: {ship: succeeded, late: skipped}}",
        "mocks: {paid: {outcome: timed_out}}, expect: {outcomes: {paid: timed_out, late: succeeded}, duration: {at_least: 2d}}",
        "mocks: {paid: {body: {order: a}, after: 3d}}, expect: {outcomes: {paid: timed_out}, duration: {at_most: 2d}}",
        "expect: {outcomes: {paid: timed_out}}",
        "events: [{type: paid, body: {order: a}, after: 1h}], expect: {outcomes: {paid: received}, duration: {at_most: 1h}}",
        "events: [{type: paid, body: {order: b}}, {type: other, body: {order: a}}], expect: {outcomes: {paid: timed_out}}",
        "events: [{type: paid, body: {}}, {type: paid, body: {order: a}, after: 1m}], expect: {duration: {at_least: 1m, at_most: 1m}}",
    ],
)
def test_what_an_event_task_takes(case):
    assert problems(WAITS, f"- {{name: x, {case}}}") == []


@pytest.mark.parametrize(
    ("mock", "said"),
    [
        ("{body: {order: b}}", "the mock of paid is no event that it takes: its `match` is not true for that body"),
        ("{error: no}", "paid never ends so; it ends as received or timed_out"),
        ("{outcome: approved}", "paid never ends so; it ends as received or timed_out"),
    ],
)
def test_a_mock_that_the_task_would_not_take_is_a_slip(mock, said):
    assert problems(WAITS, f"- {{name: x, mocks: {{paid: {mock}}}, expect: {{}}}}") == [said]


def test_an_event_without_end_says_where_it_waits():
    workflow = "tasks: {a: {uses: event, with: {type: t}}}\n"
    assert problems(workflow, "- {name: x, expect: {}}") == ["the instance does not end; it waits at a (waiting)"]
    cases = "- {name: x, mocks: {a: {outcome: received, after: 10d}}, timeout: 1d, expect: {}}"
    assert problems(workflow, cases) == ["the instance does not end; it waits at a (waiting)"]


def test_an_event_counts_once_for_an_instance():
    workflow = """\
        tasks:
          a: {uses: event, with: {type: t, timeout: 1d}}
          b: {uses: event, with: {type: t, timeout: 1d}}
          c: {needs: [a.done, b.done], uses: values, with: {}}
    """
    one = "- {name: x, events: [{type: t, after: 1h}], expect: {outcomes: {a: received, b: timed_out}}}"
    two = "- {name: y, events: [{type: t, after: 1h}, {type: t, after: 2h}], expect: {outcomes: {a: received, b: received}, duration: {at_most: 2h}}}"
    assert problems(workflow, f"{one}\n{two}") == []


def test_an_event_that_came_before_is_kept_unless_only_later_ones_count():
    workflow = """\
        tasks:
          w: {uses: wait, with: {for: 1h}}
          a: {needs: w, uses: event, with: {type: t, timeout: 1d, since: SINCE}}
    """
    cases = "- {name: x, events: [{type: t, after: 1m}], expect: {outcomes: {a: OUTCOME}}}"
    for since, outcome in (("instance", "received"), ("now", "timed_out")):
        assert problems(workflow.replace("SINCE", since), cases.replace("OUTCOME", outcome)) == []


EMITS = """\
    tasks:
      hear: {uses: event, with: {type: "done", timeout: 1d}}
      say: {uses: emit, with: {type: "done", body: {n: 3}}}
      use: {needs: hear, uses: values, with: {n: "${{ tasks.hear.outputs.body.n }}", from: "${{ tasks.hear.outputs.source }}"}}
"""


def test_what_the_workflow_emits_reaches_its_own_waits_once_it_was_sent():
    cases = """\
        - {name: x, mocks: {say: {outputs: {id: e}, after: 1h}}, expect: {outcomes: {hear: received}, duration: {at_least: 1h, at_most: 1h}}}
        - {name: y, mocks: {say: {error: no}}, expect: {outcomes: {hear: timed_out}}}
    """
    assert problems(EMITS, cases) == []


def test_an_event_does_not_reach_a_task_that_waits_no_longer():
    workflow = """\
        tasks:
          a: {uses: event, with: {type: t, timeout: 1h}}
          b: {needs: a.timed_out, uses: event, with: {type: t, timeout: 1d}}
    """
    cases = "- {name: x, events: [{type: t, after: 2h}], expect: {outcomes: {a: timed_out, b: received}, duration: {at_most: 2h}}}"
    assert problems(workflow, cases) == []


def test_a_mock_of_another_iteration_is_none():
    workflow = "tasks: {a: {repeat: {max_iterations: 3, until: iteration == 3}, uses: event, with: {type: t}}}\n"
    case = '- {name: x, mocks: {"a#1": [{}], "a#3": [{}]}, expect: {}}'
    assert problems(workflow, case) == ["the instance does not end; it waits at a#2 (waiting)"]


def test_a_list_of_mocks_that_has_run_out_is_told():
    workflow = "tasks: {a: {uses: event, with: {type: t}, timeout: 1h, retry: {max_attempts: 2}}}\n"
    (problem,) = problems(workflow, "- {name: x, mocks: {a: [{after: 2h}]}, expect: {}}")
    assert problem == "a is asked for a second time, and a has one mock"


def test_an_event_of_the_same_id_is_none():
    workflow = """\
        tasks:
          one: {uses: emit, with: {type: t, id: same, body: 1}}
          two: {needs: one, uses: emit, with: {type: t, id: same, body: 2}}
          a: {needs: two, uses: event, with: {type: t, timeout: 1d}}
          b: {needs: a, uses: event, with: {type: t, timeout: 1d}}
          end: {needs: b.timed_out, uses: values, with: {id: "${{ tasks.one.outputs.id }}", body: "${{ tasks.a.outputs.body }}", source: "${{ tasks.a.outputs.source }}"}}
        outputs: {end: "${{ tasks.end.outputs }}"}
    """
    cases = "- {name: x, mocks: {one: {}, two: {}}, expect: {outcomes: {b: timed_out}, outputs: {end: {id: same, body: 1, source: test/one}}}}"
    assert problems(workflow, cases) == []


def test_the_first_of_those_who_wait_takes_it():
    workflow = """\
        tasks:
          b: {uses: event, with: {type: t, timeout: 1d}, continue_on_error: true}
          a: {uses: event, with: {type: t, timeout: 1d}, continue_on_error: true}
    """
    assert problems(workflow, "- {name: x, events: [{type: t}], expect: {outcomes: {a: received, b: timed_out}}}") == []
