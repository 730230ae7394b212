"""Reports for CI servers: GitHub's commands, GitLab's issues, JUnit's cases."""

import json
import re
from xml.etree import ElementTree as ET

import pytest

from engine.lint.reporters import github, gitlab, junit, text
from engine.lint.reporters import json as json_report
from engine.spec.findings import Finding
from tests.lint.reported import FOLDERS, NASTY, golden, nasty

COMMAND = re.compile(r"::(error|warning|notice) ((?:\w+=[^,:]*,?)+)::(.*)")


def commands(findings, files):
    """GitHub's runner, as its source reads a line: the properties, then the text, each unescaped."""
    for line in github.report(findings, files).splitlines():
        name, properties, data = COMMAND.fullmatch(line).groups()
        pairs = [entry.split("=", 1) for entry in properties.split(",")]
        yield name, {key: unescaped(value, "%3A:", "%2C,") for key, value in pairs}, unescaped(data)


def unescaped(text, *more):
    for escape in ("%0D\r", "%0A\n", *more, "%25%"):
        text = text.replace(escape[:3], escape[3:])
    return text


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_github_is_told_all_of_golden_files(folder):
    findings, files = golden(folder)
    for finding, (name, properties, data) in zip(findings, commands(findings, files), strict=True):
        assert name == finding.severity.replace("info", "notice")
        assert data == finding.text
        assert properties["file"] == finding.path
        assert properties["title"] == finding.rule
        assert properties["line"] == str(finding.line)
        assert ("col" in properties) == (finding.end_line in (None, finding.line))


def test_github_takes_no_columns_of_several_lines():
    long = Finding(path="w.yaml", line=1, column=2, end_line=3, end_column=4, rule="r", message="m")
    short = Finding(path="a,b:c%.yaml", line=1, column=2, rule="r", message="a,b:c%", severity="info")
    assert github.report([long, short], {}).splitlines() == [
        "::error file=w.yaml,line=1,endLine=3,title=r::m",
        "::notice file=a%2Cb%3Ac%25.yaml,line=1,col=2,title=r::a,b:c%25",
    ]


def test_github_obeys_nothing_that_an_author_wrote():
    [(name, properties, data)] = commands(*nasty())
    assert (name, set(properties)) == ("error", {"file", "line", "endLine", "col", "endColumn", "title"})
    assert data.isprintable()
    assert data.endswith("%0A a:b,c\ufffd")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_gitlab_is_told_all_of_golden_files(folder):
    findings, files = golden(folder)
    issues = json.loads(gitlab.report(findings, files))
    for finding, issue in zip(findings, issues, strict=True):
        assert issue.keys() == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["check_name"] == finding.rule
        assert issue["description"] == finding.text
        assert issue["severity"] == {"error": "major", "warning": "minor", "info": "info"}[finding.severity]
        assert issue["location"] == {"path": finding.path, "lines": {"begin": finding.line}}
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_junit_is_told_all_of_golden_files(folder):
    findings, files = golden(folder)
    root = ET.fromstring(junit.report(findings, files).encode())
    suites = {suite.get("name"): suite for suite in root}
    assert set(suites) == set(files) | {finding.path for finding in findings}
    for path, suite in suites.items():
        told = [finding for finding in findings if finding.path == path]
        failed = [case for case in suite if case.find("failure") is not None]
        assert suite.get("tests") == str(len(suite)) == str(max(1, len(told)))
        assert suite.get("failures") == str(len(failed))
        assert [case.find("failure").get("message") for case in failed] == [
            finding.text for finding in told if finding.severity != "info"
        ]


ATTRIBUTES = {
    "testsuites": {"name"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped"},
    "testcase": {"name", "classname", "file", "line"},
    "failure": {"type", "message"},
    "system-out": set(),
}
"""As the schema of Jenkins' xUnit plug-in has them, and `file` and `line`, which GitLab and pytest know."""


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_junit_has_the_known_shape(folder):
    root = ET.fromstring(junit.report(*golden(folder)).encode())
    assert all(set(element.attrib) <= ATTRIBUTES[element.tag] for element in root.iter())
    assert {child.tag for child in root} == {"testsuite"}
    assert {case.tag for suite in root for case in suite} == {"testcase"}
    assert all(len(case) <= 1 for suite in root for case in suite)


def test_junit_notes_do_not_fail():
    findings, files = nasty("info")
    [[case]] = ET.fromstring(junit.report(findings, files).encode())
    assert case.find("failure") is None
    assert "info" in case.findtext("system-out")


@pytest.mark.parametrize("severity", ["error", "warning", "info"])
def test_hostile_text_is_only_text(severity):
    findings, files = nasty(severity)
    shown = text.report(findings, files)
    assert all(line.isprintable() for line in shown.split("\n"))
    assert shown.count("\n") == 4
    [entry] = json.loads(json_report.report(findings, files))
    assert entry["message"] == NASTY.replace("\udcff", "\ufffd")
    [issue] = json.loads(gitlab.report(findings, files))
    assert issue["description"].isprintable()
    assert issue["location"]["path"].isprintable()
    [[case]] = ET.fromstring(junit.report(findings, files).encode())
    [said] = case
    assert "<b>&amp;</b>]]>" in said.text
    assert said.text.isprintable()
    assert case.get("file").isprintable()


def test_lines_are_counted_as_yaml_counts_them():
    found = Finding(path="w.yaml", line=2, column=1, rule="r", message="m")
    files = {"w.yaml": "# one\u2028still one\x85\x0b\nname\rthree".encode()}
    assert "2 | name\n" in text.report([found], files)
