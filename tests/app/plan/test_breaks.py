"""Whom a change breaks: every way that one workflow, or something outside, relies on another."""

from __future__ import annotations

import pytest

from tests.app.plan.sides import keys, planned

CHILD = "inputs: {n: {type: integer, default: 1}}\ntasks: {a: {run: x, outputs: {v: {type: string}}}}\noutputs: {v: '${{ tasks.a.outputs.v }}'}\n"
PARENT = "tasks: {call: {workflow: child, with: {n: 2}}, use: {needs: call, run: y, env: {V: '${{ tasks.call.outputs.v }}'}}}\n"
HOOK = "on: {webhook: [{source: github, events: [push, tag]}]}\n"
PROJECT = "webhooks: {github: {provider: github, secret: HOOK}, gitlab: {provider: hmac, secret: OTHER}}\n"


def broken(before, after, **options):
    """What breaks, as (kind, workflow, subject) to the places affected, as (kind, workflow, where)."""
    return {
        (one.kind, one.workflow, one.subject): [(hit.kind, hit.workflow, hit.where) for hit in one.affected]
        for one in planned(before, after, **options).breaking
    }


def test_a_new_required_input():
    after = CHILD.replace("{n:", "{m: {type: string}, n:")
    found = broken({"child": CHILD, "parent": PARENT}, {"child": after, "parent": PARENT})
    assert found == {("input-required", "child", "m"): [("task", "parent", "call")]}


def test_an_input_that_is_required_from_now_on():
    after = CHILD.replace(", default: 1", "")
    quiet = PARENT.replace(", with: {n: 2}", "")
    assert broken({"child": CHILD, "parent": PARENT}, {"child": after, "parent": PARENT}) == {
        ("input-required", "child", "n"): []
    }
    assert broken({"child": CHILD, "parent": quiet}, {"child": after, "parent": quiet}) == {
        ("input-required", "child", "n"): [("task", "parent", "call")]
    }


def test_triggers_that_give_what_only_running_tells():
    gives = "inputs: {n: '${{ trigger.body }}'}"
    before = (
        f"on: {{schedule: [{{cron: '0 7 * * *', {gives}}}], event: [{{type: e, {gives}}}], "
        f"workflow: [{{name: up, outcome: done, {gives}}}], webhook: [{{source: github, {gives}}}]}}\n{CHILD}"
    )
    after = before.replace("{type: integer, default: 1}", "{type: integer, maximum: 9, default: 1}")
    beside = {"up": "tasks: {t: {run: x}}\n", "project": PROJECT}
    ((key, hits),) = broken({"child": before, **beside}, {"child": after, **beside}).items()
    assert key == ("input-narrowed", "child", "n")
    assert {kind for kind, _, _ in hits} == {"schedule", "event", "workflow", "webhook"}


def test_a_trigger_of_its_own_file_that_lacks_an_input_is_an_error_of_lint():
    before = "on: {schedule: [{cron: '0 7 * * *'}]}\n" + CHILD
    after = before.replace("{n:", "{m: {type: string}, n:")
    plan = planned({"child": before}, {"child": after})
    assert plan.notes == ("b: not compared, because of errors: workflows/child.yaml",)


@pytest.mark.parametrize(
    ("then", "now", "hit"),
    [
        ("{type: integer}", "{type: integer, maximum: 1}", True),
        ("{type: integer}", "{type: integer, maximum: 5}", False),
        ("{type: [integer, string]}", "{type: string}", True),
        ("{enum: [1, 2]}", "{enum: [1]}", True),
        ("{enum: [1, 2]}", "{enum: [2]}", False),
    ],
)
def test_a_narrower_input_breaks_those_who_give_what_does_not_fit(then, now, hit):
    before, after = (CHILD.replace("{type: integer, default: 1}", each) for each in (then, now))
    found = broken({"child": before, "parent": PARENT}, {"child": after, "parent": PARENT})
    assert found == {("input-narrowed", "child", "n"): [("task", "parent", "call")] if hit else []}


@pytest.mark.parametrize(
    "now", ["{type: [integer, string], default: 1}", "{default: 1}", "{type: integer, default: 7}"]
)
def test_a_wider_input_breaks_nobody(now):
    after = CHILD.replace("{type: integer, default: 1}", now)
    assert broken({"child": CHILD, "parent": PARENT}, {"child": after, "parent": PARENT}) == {}


def test_a_removed_input_and_output():
    after = "tasks: {a: {run: x}}\n"
    assert broken({"child": CHILD, "parent": PARENT}, {"child": after, "parent": PARENT}) == {
        ("input-removed", "child", "n"): [("task", "parent", "call")],
        ("output-removed", "child", "v"): [("task", "parent", "use")],
    }


def test_an_output_of_another_type():
    after = CHILD.replace("{v: {type: string}}", "{v: {type: integer}}")
    assert broken({"child": CHILD, "parent": PARENT}, {"child": after, "parent": PARENT}) == {
        ("output-changed", "child", "v"): [("task", "parent", "use")]
    }


def test_a_removed_workflow_breaks_its_callers_and_those_that_still_run():
    found = broken({"child": CHILD, "parent": PARENT}, {"parent": PARENT}, running={"parent": {"running": 2}})
    assert found == {
        ("workflow-removed", "child", "child"): [("task", "parent", "call"), ("running", "parent", "call")]
    }


def test_a_removed_trigger():
    after = HOOK.replace("push, tag", "push") + CHILD
    found = broken({"project": PROJECT, "child": HOOK + CHILD}, {"project": PROJECT, "child": after})
    assert found == {("trigger-removed", "child", "on.webhook github (tag)"): []}


def test_a_removed_source():
    after = PROJECT.replace(", gitlab: {provider: hmac, secret: OTHER}", "")
    assert broken({"project": PROJECT, "child": CHILD}, {"project": after, "child": CHILD}) == {
        ("source-removed", "", "gitlab"): []
    }


def test_the_project_tells_whom_it_touches():
    before = {"project": "vars: {a: 1, b: 2}\n", "child": CHILD.replace("run: x", "run: x, env: {A: '${{ vars.a }}'}")}
    (change,) = planned(before, {**before, "project": "vars: {a: 3, b: 2}\n"}).project
    assert (change.key, change.before, change.after, change.touches) == ("vars.a", 1, 3, ("child",))


def test_a_task_that_changed_is_told_key_by_key():
    before = {"child": "tasks: {a: {run: x, timeout: 1m}, b: {needs: a, run: y}}\n"}
    after = {"child": "tasks: {a: {run: x, timeout: 90s}, b: {needs: a.failed, run: y}, c: {run: z}}\n"}
    (workflow,) = planned(before, after).workflows
    assert [(one.path, one.change) for one in workflow.tasks] == [("a", "changed"), ("b", "changed"), ("c", "added")]
    assert keys(workflow.tasks[0].keys) == [("timeout", "1m", "1m30s")]
    assert keys(workflow.tasks[1].keys) == [("needs", ["a"], ["a.failed"])]


def test_schedules_that_move():
    before = {"child": "on: {schedule: [{cron: '0 7 * * *', timezone: Europe/Paris}]}\n" + CHILD}
    after = {"child": before["child"].replace("0 7", "0 8")}
    (change,) = planned(before, after).schedules
    assert change.change == "changed"
    assert change.before.next[0] == "2026-09-22T05:00:00.000Z"
    assert change.after.next[0] == "2026-09-22T06:00:00.000Z"


def test_files_with_errors_are_not_compared_and_told():
    plan = planned({"child": CHILD}, {"child": "tasks: {a: {run: x, needs: b}}\n"})
    assert plan.workflows == ()
    assert plan.notes == ("b: not compared, because of errors: workflows/child.yaml",)
