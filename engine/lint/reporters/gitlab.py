"""Findings for GitLab's merge requests: a code quality report, https://docs.gitlab.com/ci/testing/code_quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath

import orjson

from engine.core.values import JsonObject
from engine.lint.reporters.fingerprint import fingerprints
from engine.spec.findings import Finding, printable

_SEVERITIES = {"error": "major", "warning": "minor", "info": "info"}


def report(findings: Sequence[Finding], files: Mapping[str, bytes]) -> str:
    """A list of issues in the order given."""
    marks = fingerprints(findings, files)
    issues = [_issue(finding, mark) for finding, mark in zip(findings, marks, strict=True)]
    return orjson.dumps(issues, option=orjson.OPT_INDENT_2).decode() + "\n"


def _issue(finding: Finding, mark: str) -> JsonObject:
    return {
        "description": finding.text,
        "check_name": finding.rule,
        "fingerprint": mark,
        "severity": _SEVERITIES[finding.severity],
        "location": {"path": printable(PurePath(finding.path).as_posix()), "lines": {"begin": finding.line}},
    }
