"""The published workflow control-flow patterns (van der Aalst, ter Hofstede, Russell, Mulyar): each is a workflow with a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.simulate.files import run_files
from scripts.patterns import REFUSED, page, patterns

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests" / "patterns"


@pytest.fixture(scope="module")
def report():
    return run_files({path.name: path.read_bytes() for path in FOLDER.glob("*.yaml")})


def test_every_pattern_is_there_or_refused_with_a_reason():
    assert {pattern.number for pattern in patterns()} | set(REFUSED) == set(range(1, 44))
    assert len(patterns()) == 40


@pytest.mark.parametrize("name", [pattern.name for pattern in patterns()])
def test_the_pattern_behaves_so(report, name):
    assert report.findings == []
    cases = [case for case in report.cases if case.workflow == name]
    assert cases, "a pattern without a test"
    assert [case.problems for case in cases] == [()] * len(cases)


def test_the_page_is_fresh():
    assert (ROOT / "docs" / "patterns.md").read_text() == page(), "run python -m scripts.patterns"
