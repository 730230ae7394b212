"""Workflows that call others: pretended, or run for real where the other one is at hand."""

from __future__ import annotations

import pytest

from tests.simulate.playing import played, problems

CALLS = """\
    tasks:
      call: {workflow: child, with: {n: 1}, retry: {max_attempts: 2, delay: 1s}}
      after: {needs: call, uses: values, with: {got: "${{ tasks.call.outputs.got }}"}}
      undo: {needs: call.failed, uses: values, with: {}}
    outputs: {got: "${{ tasks.after.outputs.?got.orValue(0) }}"}
"""
CHILD = """\
    name: child
    inputs: {n: {type: integer}}
    checks: [{if: inputs.n < 9, message: Too large.}]
    tasks:
      work: {run: x, env: {N: "${{ string(inputs.n) }}"}, outputs: {m: {type: integer}}}
      tell: {needs: work, uses: message, with: {channel: log, text: "m is ${{ tasks.work.outputs.m }}"}}
    outputs: {got: "${{ tasks.work.outputs.m }}"}
    finally:
      end: {run: y}
"""


def test_a_child_that_is_at_hand_runs_for_real_below_the_path_of_its_task():
    cases = """\
        - name: x
          mocks: {call/work: {outputs: {m: 4}, after: 2m}, call/tell: {}, call/finally/end: {after: 1m}}
          expect:
            state: succeeded
            outputs: {got: 4}
            outcomes: {call: succeeded, call/work: succeeded, call/finally/end: succeeded, undo: skipped}
            order: [call/work, call/tell, call/finally/end, call, after]
            inputs: {call: {n: 1}, call/work: {N: "1"}}
            messages: [{text: m is 4}]
            attempts: {call/work: 1}
            duration: {at_least: 3m, at_most: 3m}
    """
    assert problems(CALLS, cases, CHILD) == []


def test_its_own_tasks_have_to_be_mocked():
    (problem,) = problems(CALLS, "- {name: x, expect: {}}", CHILD)
    assert problem == "call/work (script) is not mocked; add under `mocks`:  call/work: {outputs: {}}"


def test_its_failure_is_that_of_the_task_which_tries_again():
    cases = """\
        - name: x
          mocks: {call/work: [{error: no, kind: exit}, {error: never, kind: exit}], call/finally/end: {}}
          expect: {state: succeeded, outcomes: {call: failed, undo: succeeded}, attempts: {call: 2}}
    """
    assert problems(CALLS, cases, CHILD) == []


def test_a_mock_stands_for_the_whole_child():
    cases = """\
        - {name: ends well, mocks: {call: {outputs: {got: 2}, after: 1h}}, expect: {outputs: {got: 2}, duration: {at_least: 1h}}}
        - {name: fails twice, mocks: {call: {error: no}}, expect: {outcomes: {call: failed, undo: succeeded}, attempts: {call: 2}}}
        - {name: is cancelled, mocks: {call: {outcome: cancelled}}, expect: {outcomes: {call: cancelled}, attempts: {call: 1}, state: failed}}
        - {name: takes too long, mocks: {call: {after: 1h}}, cancel: {after: 1m}, expect: {state: cancelled, outcomes: {call: cancelled}}}
    """
    assert problems(CALLS, cases, CHILD) == []


def test_its_inputs_are_held_against_the_child_even_where_a_mock_stands_for_it():
    workflow = CALLS.replace("n: 1", 'n: "${{ inputs.n }}"') + "    inputs: {n: {type: integer}}\n"
    cases = """\
        - {name: fits, inputs: {n: 3}, mocks: {call: {outputs: {got: 2}}}, expect: {state: succeeded}}
        - {name: is refused, inputs: {n: 10}, mocks: {call: {outputs: {got: 2}}}, expect: {outcomes: {call: failed, undo: succeeded}}}
    """
    assert problems(workflow, cases, CHILD) == []


def test_a_mock_gives_what_the_child_gives():
    (problem,) = problems(CALLS, "- {name: x, mocks: {call: {outputs: {gut: 1}}}, expect: {}}", CHILD)
    assert problem == 'the mock of call does not fit: child has no output "gut"; did you mean "got"?'
    silent = CHILD.replace('    outputs: {got: "${{ tasks.work.outputs.m }}"}\n', "")
    calls = "tasks: {call: {workflow: child, with: {n: 1}}}\n"
    (problem,) = problems(calls, "- {name: x, mocks: {call: {outputs: {x: 1}}}, expect: {}}", silent)
    assert problem == 'the mock of call does not fit: child has no output "x"'


def test_one_that_is_not_at_hand_has_to_be_mocked():
    report = played("tasks: {call: {workflow: child, with: {}}}", "- {name: x, expect: {}}")
    assert [finding.rule for finding in report.findings] == ["unknown-workflow"]


def test_a_child_that_is_cancelled_ends_in_its_own_time():
    cases = """\
        - name: x
          mocks: {call/work: {after: 1h, outputs: {m: 1}}, call/finally/end: {after: 2m}}
          cancel: {after: 10m}
          expect:
            state: cancelled
            outcomes: {call: cancelled, call/work: cancelled, call/tell: skipped}
            order: [call/work, call/finally/end, call]
            duration: {at_least: 12m, at_most: 12m}
    """
    assert problems(CALLS, cases, CHILD) == []


def test_a_child_that_nobody_waits_for_runs_to_its_end_all_the_same():
    workflow = """\
        tasks:
          call: {workflow: child, with: {n: 1}, wait: false}
          read: {needs: call, uses: values, with: {known: "${{ tasks.call.outputs.instance != '' }}"}}
        outputs: {known: "${{ tasks.read.outputs.known }}"}
    """
    cases = """\
        - name: at hand
          mocks: {call/work: {after: 1h, outputs: {m: 1}}, call/tell: {}, call/finally/end: {}}
          expect: {state: succeeded, duration: {at_most: 0s}, outcomes: {call: succeeded, call/finally/end: succeeded}, outputs: {known: true}}
        - {name: pretended, mocks: {call: {}}, expect: {state: succeeded, outputs: {known: true}}}
    """
    assert problems(workflow, cases, CHILD) == []


def test_recursion_is_cut_where_it_is_cut_for_real():
    report = played(
        "tasks: {again: {workflow: w, with: {}}}\n", "- {name: x, expect: {state: succeeded, error: child}}"
    )
    (case,) = report.cases
    assert len(case.problems) == 1
    assert case.timeline[0].startswith("+0s  " + "/".join(["again"] * 21) + ": failed (depth: ")
    assert len(case.timeline) == 21


@pytest.mark.parametrize("path", ["call/wrk", "call/work/x", "cal/work"])
def test_a_slip_in_a_path_below_a_call_is_found(path):
    report = played(CALLS, f"- {{name: x, mocks: {{{path}: {{}}}}, expect: {{}}}}", CHILD)
    assert [finding.rule for finding in report.findings] == ["unknown-task"]


def test_cases_of_the_caller_count_for_the_coverage_of_the_child():
    cases = "- {name: x, mocks: {call/work: {outputs: {m: 4}}, call/tell: {}, call/finally/end: {}}, expect: {}}"
    report = played(CALLS, cases, CHILD)
    assert report.coverage["child"].missed == ()
    assert "task undo" in report.coverage["w"].missed
