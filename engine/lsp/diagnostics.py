"""Findings in the words of the protocol: diagnostics, and the edits that mend them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lsprotocol import types

from engine.lsp.positions import Positions
from engine.spec.findings import Edit, Finding, printable
from engine.spec.nodes import Span

SOURCE = "headrace"
_SEVERITIES = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "info": types.DiagnosticSeverity.Information,
}


def diagnostic(finding: Finding, positions: Positions) -> types.Diagnostic:
    """One finding as the editor shows it."""
    return types.Diagnostic(
        range=positions.range(_span(finding, positions)),
        message=finding.text,
        severity=_SEVERITIES[finding.severity],
        code=finding.rule,
        source=SOURCE,
    )


def actions(
    findings: Iterable[Finding], positions: Positions, uri: str, wanted: types.Range
) -> Iterator[types.CodeAction]:
    """What can be done about the findings within a range."""
    for finding in findings:
        shown = diagnostic(finding, positions)
        if not finding.fixes or not _touch(shown.range, wanted):
            continue
        edits = [text_edit(edit, positions) for edit in finding.fixes]
        yield types.CodeAction(
            title=_title(finding),
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[shown],
            edit=types.WorkspaceEdit(changes={uri: edits}),
            is_preferred=finding.safe,
        )


def text_edit(edit: Edit, positions: Positions) -> types.TextEdit:
    """An edit of a finding as the editor makes it."""
    start = positions.at(edit.line, edit.column)
    end = positions.at(edit.end_line, edit.end_column)
    return types.TextEdit(range=positions.range(Span(start=start, end=max(start, end))), new_text=edit.text)


def _span(finding: Finding, positions: Positions) -> Span:
    start = positions.at(finding.line, finding.column)
    if finding.end_line is None or finding.end_column is None:
        return Span(start=start, end=start)
    return Span(start=start, end=max(start, positions.at(finding.end_line, finding.end_column)))


def _title(finding: Finding) -> str:
    if finding.suggestion is not None:
        return f'Change to "{printable(finding.suggestion)}"'
    return f"Mend: {printable(finding.message)}"


def _touch(one: types.Range, other: types.Range) -> bool:
    return _place(one.start) <= _place(other.end) and _place(other.start) <= _place(one.end)


def _place(position: types.Position) -> tuple[int, int]:
    return position.line, position.character
