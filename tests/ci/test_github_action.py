"""action.yml holds against GitHub's schema, and its steps do what they say."""

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.ci.checkout import BAD, CASES, GOOD, PACKAGES, ROOT, copied, environment
from tests.ci.runner import Runner
from tests.published import schema

WARNED = GOOD.replace("tasks:", "inputs: {a: {type: string}}\ntasks:")


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    """The action as GitHub checks it out, beside an environment in which the packages are there already."""
    folder = tmp_path_factory.mktemp("action")
    action = copied(folder / "headrace")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", action / ".venv"], check=True)  # pip is there too
    [site] = (action / ".venv" / "lib").glob("python*/site-packages")
    (site / "packages.pth").write_text(PACKAGES)
    (folder / "temporary").mkdir()
    return Runner(action, folder / "temporary", environment(folder))


@pytest.fixture
def author(tmp_path):
    def write(**files):
        (tmp_path / "workflows").mkdir(exist_ok=True)
        for name, text in files.items():
            (tmp_path / "workflows" / f"{name}.yaml").write_text(text)
        return tmp_path

    return write


def test_it_is_an_action():
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    jsonschema.Draft7Validator(schema("metadata-syntax-for-github-actions")).validate(action)


def test_its_inputs_are_documented():
    page = (ROOT / "docs" / "howto" / "ci.md").read_text()
    inputs = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]
    for name, said in inputs.items():
        assert f"| `{name}` | {'`' + said['default'] + '`' if said['default'] else 'none'} |" in page
    used = yaml.safe_load(re.search(r"```yaml fragment\n# .github/.*?\n(.*?)```", page, re.DOTALL)[1])
    steps = used["jobs"]["check"]["steps"]
    assert steps[1]["with"].keys() <= inputs.keys()
    assert steps[2]["with"]["sarif_file"] == inputs["sarif"]["default"]


def test_a_good_workflow_passes(runner, author):
    ran = runner.run(author(ship=GOOD))
    assert ran.statuses == {"Install Headrace": 0, "Lint": 0}, ran.printed
    assert ran.printed["Lint"] == ""
    assert ran.summary == "### headrace lint\n\n    0 errors, 0 warnings in 1 file\n"


def test_a_bad_one_is_annotated_and_reported(runner, author):
    at = author(ship=BAD)
    ran = runner.run(at)
    assert ran.statuses == {"Install Headrace": 0, "Lint": 1}, ran.printed
    assert ran.printed["Lint"].startswith(
        "::error file=workflows/ship.yaml,line=5,endLine=5,col=17,endColumn=21,title="
    )
    report = json.loads((at / ran.outputs["sarif"]).read_text())
    assert [result["ruleId"] for result in report["runs"][0]["results"]] == ["unknown-need"]
    assert all(line.startswith("    ") for line in ran.summary.splitlines()[2:])


def test_inputs_say_where_and_how(runner, author):
    at = author(ship=WARNED)
    (at / "workflows").rename(at / "flows")
    assert runner.run(at).statuses["Lint"] == 2
    assert "workflows does not exist" in runner.run(at).printed["Lint"]
    ran = runner.run(at, paths="flows", sarif="found.json")
    assert (ran.statuses["Lint"], ran.outputs["sarif"]) == (0, "found.json")
    assert "::warning " in ran.printed["Lint"]
    assert runner.run(at, paths="flows", strict="true").statuses["Lint"] == 1
    ran = runner.run(at, paths="flows $(touch${IFS}owned) *; touch owned")
    assert (ran.statuses["Lint"], (at / "owned").exists()) == (2, False)


def test_tests_are_run_where_that_is_asked_for(runner, author):
    ran = runner.run(author(ship=GOOD, **{"ship.test": CASES}), test="true")
    assert ran.statuses == {"Install Headrace": 0, "Lint": 0, "Test": 0}, ran.printed
    ran = runner.run(author(ship=GOOD, **{"ship.test": CASES.replace("succeeded", "failed")}), test="true")
    assert ran.statuses["Test"] == 1
    assert runner.run(author(ship=BAD), test="true").statuses == {"Install Headrace": 0, "Lint": 1, "Test": 1}


def test_the_python_beside_it_stays_off_the_path(runner, author):
    runner.run(author(ship=GOOD))
    [added] = runner.files["GITHUB_PATH"].read_text().split()
    assert [path.name for path in (runner.temporary / "headrace").iterdir()] == ["headrace"]
    assert added == str(runner.temporary / "headrace")


def test_a_plan_goes_to_the_summary_and_a_file(runner, author):
    at = author(ship=GOOD)

    def git(*arguments):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments], cwd=at, check=True)

    git("init", "--quiet", "--initial-branch=main")
    git("add", "-A")
    git("commit", "--quiet", "--message=one")
    author(ship=GOOD.replace("name: ship", "name: ship\ndescription: Ship it."))
    ran = runner.run(at, plan="main")
    assert ran.statuses == {"Install Headrace": 0, "Lint": 0, "Plan": 0}, ran.printed
    assert "### Headrace plan: `main` → `workflows`" in ran.summary
    assert Path(ran.outputs["plan"]).read_text() in ran.summary
    assert runner.run(at, plan="nowhere").statuses["Plan"] == 2
    assert runner.run(at, plan="$(touch owned)").statuses["Plan"] == 2
    assert not (at / "owned").exists()
