"""Findings for CI servers that show tests: JUnit's XML, as the Jenkins plug-in reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from engine.spec.findings import Finding, printable


def report(findings: Sequence[Finding], files: Mapping[str, bytes]) -> str:
    """A suite for each file with a case for each finding; a file without any is one case that passed.

    Errors and warnings are failures, of the type that says which; notes are cases that passed and have something to say.
    """
    by_file: dict[str, list[Finding]] = {path: [] for path in files}
    for finding in findings:
        by_file.setdefault(finding.path, []).append(finding)
    root = Element("testsuites", name="headrace lint")
    for path, found in sorted(by_file.items()):
        _suite(root, printable(path), found)
    indent(root)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written.decode() + "\n"


def _suite(root: Element, path: str, found: Sequence[Finding]) -> None:
    failures = sum(finding.severity != "info" for finding in found)
    count = str(max(1, len(found)))
    suite = SubElement(root, "testsuite", name=path, tests=count, failures=str(failures), errors="0", skipped="0")
    if not found:
        SubElement(suite, "testcase", name="lint", classname=path, file=path)
    for finding in found:
        _case(suite, path, finding)


def _case(suite: Element, path: str, finding: Finding) -> None:
    name = f"{finding.rule} {finding.line}:{finding.column}"
    case = SubElement(suite, "testcase", name=name, classname=path, file=path, line=str(finding.line))
    if finding.severity == "info":
        SubElement(case, "system-out").text = str(finding)
    else:
        failure = SubElement(case, "failure", type=finding.severity, message=finding.text)
        failure.text = str(finding)
