"""Workflows and test files as text, played."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

from engine.simulate.files import Report, run_files
from engine.simulate.world import Startable
from engine.spec.load import load
from engine.spec.validation import validator

ROOT = Path(__file__).resolve().parent.parent.parent

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


def workflows(folder: str) -> dict[str, Startable]:
    """Those of a folder of the repository, by name."""
    files = {path.name: path.read_bytes() for path in sorted((ROOT / folder).glob("*.yaml"))}
    return {
        definition.name: Startable(definition=definition, inputs=validator(definition.inputs or {"type": "object"}))
        for definition in load(files).workflows.values()
    }
