"""Workflows and test files as text, played."""

from __future__ import annotations

from textwrap import dedent, indent

from engine.simulate.files import Report, run_files

PROJECT = """\
channels: {log: {kind: log}}
people: {ana: {email: ana@example.com}}
secrets: [TOKEN]
vars: {limit: 3}
webhooks: {github: {provider: github, secrets: [TOKEN]}}
"""


def played(workflow: str, cases: str, *more: str) -> Report:
    """The workflow is called `w`, others have names of their own; `cases` are the entries of `cases:`."""
    files = {"project.yaml": PROJECT, "w.yaml": "name: w\n" + dedent(workflow)}
    files |= {f"other{number}.yaml": dedent(text) for number, text in enumerate(more)}
    files["w.test.yaml"] = "workflow: w\ncases:\n" + indent(dedent(cases), "  ")
    return run_files({path: text.encode() for path, text in files.items()})


def problems(workflow: str, cases: str, *more: str) -> list[str]:
    """What the cases failed of."""
    report = played(workflow, cases, *more)
    assert [str(finding) for finding in report.findings] == []
    assert report.cases
    return [problem for case in report.cases for problem in case.problems]
