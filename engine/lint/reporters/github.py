"""Findings as GitHub's workflow commands, which become annotations of a pull request when a job prints them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.spec.findings import Finding, printable

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def report(findings: Sequence[Finding], _files: Mapping[str, bytes]) -> str:
    """A command each, in the order given."""
    return "".join(f"{_command(finding)}\n" for finding in findings)


def _command(finding: Finding) -> str:
    properties: dict[str, str | int] = {"file": finding.path, "line": finding.line, **_place(finding)}
    listed = ",".join(f"{name}={_property(printable(str(value)))}" for name, value in properties.items())
    return f"::{_COMMANDS[finding.severity]} {listed},title={_property(finding.rule)}::{_data(finding.text)}"


def _place(finding: Finding) -> dict[str, str | int]:
    """GitHub takes columns only of what stands on one line."""
    if finding.end_line is None or finding.end_column is None:
        return {"col": finding.column}
    if finding.end_line > finding.line:
        return {"endLine": finding.end_line}
    return {"endLine": finding.end_line, "col": finding.column, "endColumn": finding.end_column}


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
