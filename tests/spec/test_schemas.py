"""The editors' schemas are what the models say, and agree with the loader."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from engine.lint.linter import lint
from engine.spec.document import read
from engine.spec.editor_schemas import documents, written
from engine.spec.load import is_project, load

ROOT = Path(__file__).parents[2]
SCHEMAS = documents()
EXAMPLES = sorted((ROOT / "workflows").glob("*.yaml"))
GOLDEN = sorted((ROOT / "tests/lint/golden").rglob("*.yaml"))
SHAPE_RULES = {"unknown-key", "unknown-parameter", "missing-key", "bad-id", "task-form", "unknown-kind"}


def misfits(path):
    kind = "project" if is_project(str(path)) else "test" if path.name.endswith(".test.yaml") else "workflow"
    name = f"{kind}.schema.json"
    return [
        error.message
        for error in Draft202012Validator(SCHEMAS[name]).iter_errors(read("x", path.read_bytes()).root.value)
    ]


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_is_fresh(name):
    assert (ROOT / "schemas" / name).read_bytes() == written(SCHEMAS[name]), "run python -m engine.spec.editor_schemas"
    Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_fit(path):
    assert misfits(path) == []


@pytest.mark.parametrize("path", [p for p in GOLDEN if p.name == "good.yaml"], ids=lambda path: path.parent.name)
def test_what_loads_fits(path):
    assert misfits(path) == []


@pytest.mark.parametrize(
    "path", [p for p in GOLDEN if p.name != "good.yaml"], ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_what_the_schema_refuses_the_loader_refuses(path):
    loaded = load({path.name: path.read_bytes()})
    if {finding.rule for finding in loaded.findings} & SHAPE_RULES:
        assert misfits(path)
    elif not any(finding.rule.startswith("yaml-") or "-key" in finding.rule for finding in loaded.findings) and misfits(
        path
    ):
        assert loaded.errors


def test_findings_fit_their_schema():
    files = {path.name: path.read_bytes() for path in (ROOT / "tests/lint/golden/unknown-need").glob("*.yaml")}
    for finding in lint(files):
        Draft202012Validator(SCHEMAS["finding.schema.json"]).validate(finding.to_json())


def test_every_key_is_described():
    def undescribed(schema, where):
        for name, member in schema.get("properties", {}).items():
            if "description" not in member and "$ref" not in member:
                yield f"{where}.{name}"

    for schema in SCHEMAS.values():
        parts = {"": schema, **schema["$defs"]}
        assert [key for where, part in parts.items() for key in undescribed(part, where)] == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_stands_by_itself(name):
    schema = SCHEMAS[name]
    assert schema["$id"].startswith("https://")
    assert len({each["$id"] for each in SCHEMAS.values()}) == len(SCHEMAS)
    assert schema["title"]
    references = re.findall(r'"\$ref": "([^"]*)"', json.dumps(schema))
    assert [each for each in references if not each.startswith("#/$defs/")] == []
