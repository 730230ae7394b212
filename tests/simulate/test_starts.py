"""How a case starts its instance: with inputs, or as a webhook, an event, a schedule or another workflow's end would."""

from __future__ import annotations

import pytest

from tests.simulate.playing import problems

WORKFLOW = """\
    inputs: {who: {type: string, minLength: 1}, n: {type: integer, default: 1}}
    checks: [{if: inputs.n <= vars.limit, message: "At most ${{ string(vars.limit) }}."}]
    on:
      webhook:
        - {source: github, events: [push], if: trigger.body.ok, inputs: {who: "${{ trigger.body.who }}"}}
        - {source: github, events: [ping], inputs: {who: "${{ trigger.headers['x-who'] }}"}}
      event: [{type: t, inputs: {who: "${{ string(trigger.body.who) }}"}}]
      schedule: [{cron: "30 6 * * *", inputs: {who: "${{ trigger.scheduled_at }}"}}]
      workflow: [{name: before, outcome: failed, inputs: {who: "${{ trigger.event }} ${{ string(trigger.body.workflow) }}"}}]
    tasks: {a: {uses: values, with: {who: "${{ inputs.who }}", by: "${{ instance.started_by }}"}}}
    outputs: {who: "${{ inputs.who }}", n: "${{ inputs.n }}", by: "${{ tasks.a.outputs.by }}"}
"""
BEFORE = "name: before\ntasks: {a: {uses: values, with: {}}}\n"


@pytest.mark.parametrize(
    ("case", "expect"),
    [
        ("inputs: {who: ana}", "outputs: {who: ana, n: 1, by: test}"),
        ("inputs: {who: ana, n: 3}, started_by: ana", "outputs: {who: ana, n: 3, by: ana}"),
        ("inputs: {who: ana, n: 4}", "refused: At most 3."),
        ("inputs: {who: ana, n: 4}, vars: {limit: 4}", "state: succeeded"),
        ("inputs: {who: ''}", "refused: /who"),
        ("inputs: {}", "refused: who"),
        ("inputs: {who: a, more: b}", "refused: more"),
        ("trigger: {source: github, event: push, body: {ok: true, who: ben}}", "outputs: {who: ben, n: 1, by: test}"),
        ("trigger: {source: github, event: push, body: {ok: true, who: ben}}, inputs: {n: 2}", "outputs: {who: ben, n: 2, by: test}"),
        ("trigger: {source: github, event: push, body: {ok: false}}", "refused: 'condition is false: trigger.body.ok'"),
        ("trigger: {source: github, event: push, body: {}}", "refused: an expression has no value"),
        ("trigger: {source: github, event: push, body: {ok: true, who: 3}}", "refused: /who"),
        ("trigger: {source: github, event: ping, headers: {X-Who: eva}}", "outputs: {who: eva, n: 1, by: test}"),
        ("trigger: {source: github, event: other}", "refused: no trigger takes it"),
        ("trigger: {source: gitlab, event: push}", "refused: no trigger takes it"),
        ("trigger: {source: event, event: t, body: {who: eve}}", "outputs: {who: eve, n: 1, by: test}"),
        ("trigger: {source: event, event: u, body: {who: eve}}", "refused: no trigger takes it"),
        ("trigger: {source: schedule}", "outputs: {who: '2030-01-01T00:00:00.000Z', n: 1, by: test}"),
        ("trigger: {source: schedule, scheduled_at: '2030-05-01T04:30:00.000Z'}", "outputs: {who: '2030-05-01T04:30:00.000Z', n: 1, by: test}"),
        ("trigger: {source: schedule, event: '* * * * *'}", "refused: no trigger takes it"),
        ("trigger: {source: workflow}", "outputs: {who: failed before, n: 1, by: test}"),
        ("trigger: {source: workflow, event: succeeded}", "refused: no trigger takes it"),
        ("trigger: {source: workflow, body: {workflow: another}}", "refused: no trigger takes it"),
    ],
)  # fmt: skip
def test_a_start_and_what_comes_of_it(case, expect):
    assert problems(WORKFLOW, f"- {{name: x, {case}, expect: {{{expect}}}}}", BEFORE) == []


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("inputs: {}, expect: {}", "no instance was started: the inputs of w do not fit: "),
        ("inputs: {who: a}, expect: {refused: no}", "expected no instance (no), and one was started"),
        ("inputs: {who: ''}, expect: {refused: At most}", 'expected a refusal with "At most", and it says: the inputs of w'),
        ("trigger: {source: workflow, body: 3}, expect: {}", "the `body` of a trigger with `source: workflow` is a map"),
    ],
)  # fmt: skip
def test_a_start_that_is_not_as_expected(case, said):
    (problem,) = problems(WORKFLOW, f"- {{name: x, {case}}}", BEFORE)
    assert problem.startswith(said)


def test_what_starts_it_is_known_to_its_tasks():
    workflow = """\
        on: {webhook: [{source: github, inputs: {}}]}
        tasks: {a: {run: x, env: {REF: "${{ string(trigger.body.ref) }}"}}}
    """
    cases = (
        "- {name: x, trigger: {source: github, body: {ref: main}}, mocks: {a: {}}, expect: {inputs: {a: {REF: main}}}}"
    )
    assert problems(workflow, cases) == []
