"""The schema of plans is fresh, and plans fit it."""

import json
from pathlib import Path

from jsonschema import Draft202012Validator

from engine.app.plan.schema import FILE, document
from engine.spec.editor_schemas import written
from tests.app.plan.sides import planned
from tests.app.plan.test_breaks import CHILD, HOOK, PARENT, PROJECT


def test_it_is_fresh():
    found = Path(__file__).parents[3] / "schemas" / FILE
    assert found.read_bytes() == written(document()), "run python -m engine.app.plan.schema"


def test_a_plan_fits():
    schedule = "on: {schedule: [{cron: '0 7 * * *'}]}\n"
    before = {"project": PROJECT, "child": CHILD, "parent": PARENT, "other": HOOK + CHILD, "old": schedule + CHILD}
    after = {"project": "vars: {a: 1}\n", "child": "tasks: {a: {run: x}}\n", "parent": PARENT, "new": CHILD}
    plan = planned(before, after, running={"old": {"waiting": 1}})
    assert plan.workflows
    assert plan.breaking
    assert plan.schedules
    assert plan.project
    Draft202012Validator(document()).validate(json.loads(json.dumps(plan.to_json())))
