"""What `headrace test` prints, to the letter: held against the files in `golden` (written anew by `python -m tests.simulate.test_reports --write-golden`)."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from engine.simulate.files import Report
from engine.simulate.reporters import json as json_report
from engine.simulate.reporters import junit as junit_report
from engine.simulate.reporters import text as text_report
from tests.simulate.playing import played

GOLDEN = Path(__file__).parent / "golden"
WORKFLOW = """\
    inputs: {regions: {type: array, items: {type: string}, default: [eu, us]}}
    tasks:
      build: {run: make, retry: {max_attempts: 2, delay: 1m, backoff: 1}}
      ask: {needs: build, uses: approval, with: {message: "Go?", approvers: [ana], expires: 1d}}
      refused: {needs: ask.rejected, uses: message, with: {channel: log, text: "no"}}
      risk: {needs: ask, switch: {high: "inputs.regions.size() > 2", low: otherwise}}
      deploy:
        needs: [risk.high, risk.low]
        join: any
        for_each: inputs.regions
        key: item
        tasks: {roll: {run: roll, compensate: {run: back}}}
"""
CASES = """\
    - name: all goes well
      mocks: {build: {after: 4m}, ask: {after: 3h}, "deploy[*]/roll": {}}
      expect: {state: succeeded, outcomes: {risk: low}}
    - name: nothing is as expected & <said>
      mocks: {build: [{error: no route, kind: network}, {after: 4m}], ask: {outcome: rejected, after: 3h, comment: "later"}, refused: {}}
      expect:
        state: failed
        outcomes: {ask: approved, refused: skipped, "deploy[eu]/roll": succeeded}
        order: [ask, build]
        attempts: {build: 3}
        skipped: {deploy: risk.low}
        messages: [{text: yes it is}]
        outputs: {image: x}
        inputs: {build: {A: 1}, deploy: {}}
        duration: {at_least: 4h, at_most: 1h}
        error: timeout
    - name: a task is forgotten
      mocks: {build: {}}
      expect: {}
"""


def report() -> Report:
    """Of three cases, the first of which passes; without what differs from run to run."""
    found = played(WORKFLOW, CASES)
    found.cases = [replace(case, seconds=0.0015) for case in found.cases]
    return found


def written() -> dict[str, str]:
    found = report()
    slips = played(WORKFLOW, "- {name: x, mocks: {biuld: {}, risk: {}}, expekt: {}}\n")
    return {
        "cases.txt": text_report.report(found),
        "coverage.txt": text_report.report(found, coverage=True),
        "cases.json": json_report.report(found),
        "cases.xml": junit_report.report(found),
        "slips.txt": text_report.report(slips),
        "slips.xml": junit_report.report(slips),
    }


@pytest.mark.parametrize("name", sorted(written()))
def test_it_is_told_as_it_always_was(name):
    assert written()[name] == (GOLDEN / name).read_text()


def test_every_expectation_that_fails_is_told_of():
    assert [len(case.problems) for case in report().cases] == [0, 14, 1]


def test_the_same_case_always_goes_the_same_way():
    assert written() == written()


def test_the_xml_counts_what_it_has():
    suites = fromstring(written()["cases.xml"])
    (suite,) = suites
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "2", "0")
    assert len(suite.findall("testcase")) == 3
    assert len(suite.findall("testcase/failure")) == 2


if __name__ == "__main__" and "--write-golden" in sys.argv:
    for name, text in written().items():
        (GOLDEN / name).write_text(text)
