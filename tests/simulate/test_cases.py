"""`headrace test`: what a case can expect, and that a wrong expectation of every sort fails."""

from __future__ import annotations

import pytest

from engine.simulate.files import run_files

WORKFLOW = """\
name: release
inputs: {service: {type: string}, regions: {type: array, items: {type: string}, default: [eu, us]}}
checks: [{if: "inputs.regions.size() <= 3", message: Too many regions.}]
on:
  webhook:
    - source: github
      events: [push]
      if: trigger.body.ref == "refs/heads/main"
      inputs: {service: "${{ trigger.body.name }}"}
tasks:
  build:
    run: make
    env: {SERVICE: "${{ inputs.service }}", TOKEN: "${{ secrets.TOKEN }}"}
    outputs: {image: {type: string}}
    retry: {max_attempts: 3, delay: 1m, backoff: 1, if: "error.kind == 'network'"}
  approve: {needs: build, uses: approval, with: {message: "Go?", approvers: [ana], expires: 24h}}
  refused: {needs: [approve.rejected, approve.expired], join: any, uses: message, with: {channel: log, text: "No ${{ inputs.service }}"}}
  deploy:
    needs: approve
    for_each: inputs.regions
    key: item
    tasks:
      roll: {run: roll, env: {REGION: "${{ item }}"}, compensate: {run: back}}
      probe:
        needs: roll
        repeat: {until: outputs.status == 200, max_iterations: 3, delay: 10s}
        uses: http
        with: {url: "https://x.example.com/", allow_status: [500, 503]}
        outputs: {status: {type: integer}}
outputs: {image: "${{ tasks.build.outputs.image }}"}
finally:
  report: {uses: message, with: {channel: log, text: "${{ instance.state }}"}}
"""
PROJECT = "channels: {log: {kind: log}}\npeople: {ana: {email: ana@example.com}}\nsecrets: [TOKEN]\nwebhooks: {github: {provider: github, secrets: [TOKEN]}}\n"
GOOD = """\
workflow: release
cases:
  - name: all goes well
    inputs: {service: billing}
    mocks:
      build: [{error: no route, kind: network}, {outputs: {image: "r:1"}, after: 2m}]
      approve: {outcome: approved, after: 3h}
      "deploy[*]/roll": {outputs: {}}
      "deploy[*]/probe#1": {outputs: {status: 503}}
      "deploy[*]/probe#*": {outputs: {status: 200}}
      finally/report: {outputs: {}}
    expect:
"""
HOLDS = {
    "state": "succeeded",
    "outcomes": '{approve: approved, refused: skipped, "deploy[eu]/roll": succeeded, "deploy[us]/probe#2": succeeded}',
    "attempts": "{build: 2, approve: 1}",
    "order": '[build, approve, "deploy[eu]/roll", deploy, finally/report]',
    "outputs": '{image: "r:1"}',
    "inputs": '{build: {SERVICE: billing, TOKEN: secret TOKEN}, "deploy[us]/roll": {REGION: us}}',
    "messages": "[{text: succeeded}]",
    "duration": "{at_least: 3h3m, at_most: 3h4m}",
    "skipped": "{refused: approve.rejected}",
}
WRONG = {
    "state": "failed",
    "outcomes": '{"deploy[eu]/probe#1": failed}',
    "attempts": "{build: 1}",
    "order": "[approve, build]",
    "outputs": "{}",
    "inputs": "{build: {SERVICE: other}}",
    "messages": "[{text: failed}]",
    "error": "network",
    "duration": "{at_most: 1h}",
    "refused": "no",
    "skipped": "{refused: approve.expired}",
}
LATER = {
    "outcomes": "{refused: succeeded}",
    "attempts": "{refused: 1}",
    "order": "[finally/report, build]",
    "inputs": "{refused: {}}",
    "messages": "[]",
    "duration": "{at_least: 4h}",
    "skipped": "{build: edge}",
}
"""A second way to be wrong."""


def played(text: str, workflow: str = WORKFLOW):
    files = {"release.yaml": workflow, "project.yaml": PROJECT, "release.test.yaml": text}
    return run_files({path: content.encode() for path, content in files.items()})


def problems(text: str) -> list[str]:
    report = played(text)
    assert report.findings == []
    return [problem for case in report.cases for problem in case.problems]


def test_everything_that_holds_passes():
    assert problems(GOOD + "".join(f"      {key}: {value}\n" for key, value in HOLDS.items())) == []


@pytest.mark.parametrize("key", WRONG)
def test_a_wrong_expectation_of_every_sort_fails(key):
    assert len(problems(f"{GOOD}      {key}: {WRONG[key]}\n")) == 1


@pytest.mark.parametrize("key", LATER)
def test_so_does_another(key):
    assert len(problems(f"{GOOD}      {key}: {LATER[key]}\n")) == 1


def test_a_side_effect_without_a_mock_fails_and_says_what_to_write():
    (problem,) = problems(
        "workflow: release\ncases:\n  - {name: x, inputs: {service: a}, expect: {state: succeeded}}\n"
    )
    assert problem == "build (script) is not mocked; add under `mocks`:  build: {outputs: {}}"


def test_running_out_of_mocks_fails():
    (problem,) = problems(
        "workflow: release\ncases:\n  - name: x\n    inputs: {service: a}\n"
        "    mocks: {build: [{error: a, kind: network}]}\n    expect: {state: failed}\n"
    )
    assert problem == "build is asked for a second time, and build has one mock"


def test_mocked_outputs_have_to_fit():
    (problem,) = problems(
        "workflow: release\ncases:\n  - name: x\n    inputs: {service: a}\n"
        "    mocks: {build: {outputs: {image: 3}}}\n    expect: {state: failed}\n"
    )
    assert problem.startswith("the mock of build does not fit: the output 'image' does not fit its schema")


def test_people_may_refuse_or_say_nothing_and_compensation_runs():
    text = """\
workflow: release
cases:
  - name: refused
    inputs: {service: a}
    mocks: {build: {outputs: {image: i}}, approve: {outcome: rejected}, refused: {outputs: {}}, finally/report: {outputs: {}}}
    expect: {state: succeeded, messages: [{text: No a}, {text: succeeded}], outcomes: {approve: rejected, deploy: skipped}}
  - name: nobody answers
    inputs: {service: a}
    mocks: {build: {outputs: {image: i}}, approve: {outcome: expired}, refused: {outputs: {}}, finally/report: {outputs: {}}}
    expect: {state: succeeded, outcomes: {approve: expired}, duration: {at_least: 24h, at_most: 24h}}
  - name: undone
    inputs: {service: a}
    mocks:
      build: {outputs: {image: i}}
      approve: {outcome: approved}
      "deploy[*]/roll": {outputs: {}}
      "deploy[eu]/probe#*": {outputs: {status: 200}}
      "deploy[us]/probe#*": {outputs: {status: 500}}
      "**/compensate": {outputs: {}}
      finally/report: {outputs: {}}
    expect:
      state: failed
      error: items
      order: ["deploy[us]/roll", "deploy[us]/roll/compensate", deploy, "deploy[eu]/roll/compensate", finally/report]
"""
    assert problems(text) == []


def test_a_trigger_is_evaluated_and_a_start_may_be_refused():
    text = """\
workflow: release
cases:
  - name: another branch
    trigger: {source: github, event: push, body: {ref: refs/heads/x, name: a}}
    expect: {refused: condition is false}
  - name: too many regions
    inputs: {service: a, regions: [a, b, c, d]}
    expect: {refused: Too many regions.}
  - name: main
    trigger: {source: github, event: push, body: {ref: refs/heads/main, name: web}}
    cancel: {after: 1m, reason: a slip}
    mocks: {build: {outputs: {image: i}, after: 1h}, finally/report: {outputs: {}}}
    expect: {state: cancelled, inputs: {build: {SERVICE: web}}}
"""
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "workflow: release\ncases:\n  - {name: x, expekt: {}}\n",
            'release.test.yaml:3:15: error: unknown key "expekt"',
        ),
        ("workflow: relase\ncases:\n  - {name: x, expect: {}}\n", 'did you mean "release"? [unknown-workflow]'),
        (
            "workflow: release\ncases:\n  - {name: x, mocks: {biuld: {}}, expect: {}}\n",
            'did you mean "build"? [unknown-task]',
        ),
        ("workflow: release\ncases:\n  - {name: x, expect: {order: [deploy/rol]}}\n", "[unknown-task]"),
        ("workflow: release\ncases: []\n", "release.test.yaml:2"),
        (
            "workflow: release\ncases:\n  - {name: x, mocks: {build: {after: soon}}, expect: {}}\n",
            "release.test.yaml:3",
        ),
    ],
)
def test_a_slip_in_the_file_is_a_finding_with_its_place(text, said):
    report = played(text)
    assert any(said in str(finding) for finding in report.findings), report.findings


def test_coverage_says_what_no_case_has_seen():
    report = played(GOOD + "      state: succeeded\n")
    coverage = report.coverage["release"]
    assert "edge approve.rejected -> refused" in coverage.missed
    assert "task deploy[]/roll/compensate" in coverage.missed
    assert "outcome approve.expired" in coverage.missed
    assert "task build" not in coverage.missed
    assert 0 < coverage.percent("edges") < 100
