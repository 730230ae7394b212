"""Findings for people in a terminal: a line each, with the line of the file and a caret under the place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from engine.lint.reporters.lines import Lines
from engine.spec.findings import Finding, printable

_WIDEST = 160


def report(findings: Sequence[Finding], files: Mapping[str, bytes]) -> str:
    """The findings with their places in `files`, and how many there are."""
    lines = Lines(files)
    blocks = ["\n".join([str(finding), *_place(finding, lines.of(finding))]) for finding in findings]
    return "\n".join([*blocks, _sum(findings, len(files)), ""])


def _place(finding: Finding, line: str | None) -> list[str]:
    """The line and, under it, a caret and tildes; nothing where there is no such line or no room for it."""
    if line is None or not line.strip() or finding.column > min(len(line), _WIDEST):
        return []
    end = finding.end_column if finding.end_line == finding.line and finding.end_column else finding.column + 1
    tildes = "~" * (min(end, len(line) + 1, _WIDEST) - finding.column - 1)
    before = "".join("\t" if character == "\t" else " " for character in line[: finding.column - 1])
    gutter = f"{finding.line} | "
    return [printable(f"{gutter}{line[:_WIDEST]}"), " " * (len(gutter) - 2) + "| " + before + "^" + tildes]


def _sum(findings: Sequence[Finding], files: int) -> str:
    count = Counter(finding.severity for finding in findings)
    notes = f", {_count(count['info'], 'note')}" if count["info"] else ""
    return f"{_count(count['error'], 'error')}, {_count(count['warning'], 'warning')}{notes} in {_count(files, 'file')}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
