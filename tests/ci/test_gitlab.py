"""The template holds against GitLab's schema, and its scripts write the reports that it names."""

import json
import re
import subprocess
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import yaml

from tests.ci.checkout import BAD, CASES, GOOD, ROOT, environment
from tests.published import schema

TEMPLATE = (ROOT / "docs" / "ci" / "gitlab.yml").read_text()


def included(**given):
    """The jobs, as GitLab fills the inputs in and lets jobs extend others."""
    header, body = TEMPLATE.split("\n---\n")
    inputs = {name: said["default"] for name, said in yaml.safe_load(header)["spec"]["inputs"].items()} | given
    text = re.sub(r"\$\[\[ inputs\.(\w+) \]\]", lambda match: inputs[match[1]], body)
    jobs = yaml.safe_load(text)
    return {
        name: jobs[job["extends"]] | job for name, job in jobs.items() if "extends" in job and not name.startswith(".")
    }


def run(job, at):
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(job["script"])],
        cwd=at,
        env=environment(at),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def author(tmp_path):
    def write(folder="workflows", **files):
        (tmp_path / folder).mkdir(exist_ok=True)
        for name, text in files.items():
            (tmp_path / folder / f"{name}.yaml").write_text(text)
        return tmp_path

    return write


def test_they_are_jobs():
    jobs = included(workflows="flows", stage="check", image="registry.example/headrace:1")
    jsonschema.Draft7Validator(schema("gitlab.com/.gitlab-ci.yml")).validate(jobs)
    assert set(jobs) == {"headrace-lint", "headrace-test"}
    for job in jobs.values():
        assert job["stage"] == "check"
        assert job["image"] == {"name": "registry.example/headrace:1", "entrypoint": [""]}
        assert "flows" in job["script"][0]


def test_lint_tells_the_merge_request(author):
    job = included()["headrace-lint"]
    at = author(ship=BAD)
    status, said = run(job, at)
    assert (status, "^~~~" in said) == (1, True), "the log is for people"
    [issue] = json.loads((at / job["artifacts"]["reports"]["codequality"]).read_text())
    assert issue["location"] == {"path": "workflows/ship.yaml", "lines": {"begin": 5}}
    assert run(job, author(ship=GOOD))[0] == 0
    assert json.loads((at / job["artifacts"]["reports"]["codequality"]).read_text()) == []


def test_tests_are_told_too(author):
    job = included(workflows="my flows")["headrace-test"]
    assert job["rules"] == [{"exists": ["my flows/**/*.test.yaml"]}]
    at = author("my flows", ship=GOOD, **{"ship.test": CASES})
    status, said = run(job, at)
    assert status == 0, said
    [suite] = ET.parse(at / job["artifacts"]["reports"]["junit"]).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")
