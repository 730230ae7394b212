"""The examples: they lint clean, their tests pass, and these tests see every task, edge and outcome."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.lint.linter import lint
from engine.simulate.coverage import totals
from engine.simulate.files import run_files
from engine.spec.load import load

ROOT = Path(__file__).resolve().parent.parent
FILES = {str(path.relative_to(ROOT)): path.read_bytes() for path in sorted((ROOT / "workflows").glob("*.yaml"))}


@pytest.fixture(scope="module")
def report():
    return run_files(FILES)


def test_they_lint_clean():
    assert [str(finding) for finding in lint(FILES)] == []


def test_their_tests_pass(report):
    assert [str(finding) for finding in report.findings] == []
    assert [(case.workflow, case.case, case.problems) for case in report.failed] == []


def test_every_example_is_tested_to_the_full(report):
    names = {definition.name for definition in load(FILES).workflows.values()}
    assert len(names) >= 12
    assert set(report.coverage) == names
    assert {name: coverage.missed for name, coverage in report.coverage.items() if coverage.missed} == {}
    assert dict(totals(list(report.coverage.values()))) == {"tasks": 100.0, "edges": 100.0, "outcomes": 100.0}


def test_the_page_about_them_has_each():
    page = (ROOT / "docs" / "examples.md").read_text()
    for path in FILES:
        if not path.endswith((".test.yaml", "project.yaml")):
            assert f"(../{path})" in page
