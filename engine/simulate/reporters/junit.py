"""For CI servers: JUnit's XML, as the Jenkins plug-in reads it (https://github.com/testmoapp/junitxml)."""

from __future__ import annotations

from collections import defaultdict
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from engine.simulate.files import Ran, Report


def report(found: Report) -> str:
    """A suite for each file; findings are errors of a case named after their rule."""
    root = Element("testsuites", name="headrace")
    suites: dict[str, list[Ran]] = defaultdict(list)
    for case in found.cases:
        suites[case.path].append(case)
    for path, cases in suites.items():
        failures = sum(bool(case.problems) for case in cases)
        suite = SubElement(root, "testsuite", name=path, tests=str(len(cases)), failures=str(failures), errors="0")
        for case in cases:
            _case(suite, case)
    if found.findings:
        count = str(len(found.findings))
        suite = SubElement(root, "testsuite", name="findings", tests=count, failures="0", errors=count)
        for finding in found.findings:
            entry = SubElement(suite, "testcase", name=finding.rule, classname=finding.path)
            SubElement(entry, "error", message=_clean(str(finding)))
    indent(root)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written.decode() + "\n"


def _case(suite: Element, case: Ran) -> None:
    entry = SubElement(suite, "testcase", name=_clean(case.case), classname=case.workflow, file=case.path)
    entry.set("line", str(case.line))
    entry.set("time", f"{case.seconds:.6f}")
    if case.problems:
        failure = SubElement(entry, "failure", message=_clean(case.problems[0]))
        failure.text = _clean("\n".join([*case.problems, "", *case.timeline]))


def _clean(text: str) -> str:
    """Without what XML cannot hold."""
    return "".join(character if character.isprintable() or character in "\n\t" else "\ufffd" for character in text)
