"""What starts workflows by itself: times, events, and the ends of others."""

import pytest

from engine.core.expressions.model import Literal
from engine.core.model import ScheduleTrigger, WorkflowTrigger
from tests.spec.compiled import compiled, rules, sources


def test_times_are_in_the_time_zone_of_the_project():
    definition = compiled("""
inputs: {at: {type: string, default: ""}}
on:
  schedule:
    - {cron: " 30  6 * * mon-fri"}
    - {cron: "*/5 * * * *", timezone: Asia/Tokyo, overlap: allow, catch_up: 1h, inputs: {at: "${{ trigger.scheduled_at }}"}}
tasks: {t: {run: x}}
""")
    first, second = definition.schedules
    assert first == ScheduleTrigger(cron="30 6 * * mon-fri", timezone="Europe/Paris", inputs=Literal(value={}))
    assert (second.timezone, second.overlap, second.catch_up) == ("Asia/Tokyo", "allow", 3_600_000)
    assert sources(second.inputs) == ["trigger.scheduled_at"]


@pytest.mark.parametrize(
    "cron", ["", "* * * *", "* * * * * *", "60 * * * *", "0 0 30 2 *", "0 0 * * nonday", "@daily", "${{ vars.sha }}"]
)
def test_a_time_that_never_comes_is_refused(cron):
    assert rules(f'on: {{schedule: [{{cron: "{cron}"}}]}}\ntasks: {{t: {{run: x}}}}') == ["bad-value"]


def test_a_leap_day_comes():
    assert rules('on: {schedule: [{cron: "0 0 29 2 *"}]}\ntasks: {t: {run: x}}') == []


def test_events_and_ends_of_others():
    definition = compiled("""
inputs: {n: {}}
on:
  event: [{type: published, if: trigger.body.ok, inputs: {n: "${{ trigger.body.n }}"}}]
  workflow:
    - {name: w, inputs: {n: 1}}
    - {name: w, outcome: done, if: "trigger.body.outputs.n == 1", inputs: {n: 1}}
tasks: {t: {run: x}}
""")
    [event] = definition.events
    assert (event.type, event.condition.source, sources(event.inputs)) == (
        "published",
        "trigger.body.ok",
        ["trigger.body.n"],
    )
    assert definition.workflows[0] == WorkflowTrigger(name="w", inputs=Literal(value={"n": 1}))
    assert definition.workflows[1].outcome == "done"


@pytest.mark.parametrize(
    "kind", ["schedule: [{cron: '0 0 * * *', %s}]", "event: [{type: a, %s}]", "workflow: [{name: w, %s}]"]
)
def test_every_trigger_gives_what_an_instance_takes(kind):
    text = "inputs: {n: {type: integer}}\non: {%s}\ntasks: {t: {run: x}}"
    assert rules(text % (kind % "inputs: {n: 1}")) == []
    assert rules(text % (kind % "inputs: {}")) == ["missing-input"]
    assert rules(text % (kind % "inputs: {n: 1, m: 2}")) == ["unknown-input"]
    assert rules(text % (kind % "inputs: {n: '${{ inputs.n }}'}")) == ["unknown-name"]


def test_another_workflow_must_exist():
    assert rules("on: {workflow: [{name: v}]}\ntasks: {t: {run: x}}") == ["unknown-workflow"]
