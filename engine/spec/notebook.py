"""Collects what is found wrong while one file is compiled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from engine.spec.findings import Edit, Finding, Severity
from engine.spec.nodes import Document, Path, Span
from engine.spec.shape import suggest

_SUGGESTIONS = 20
_MOST_NAMES = 100


class Notebook:
    """The findings of one file so far, and the file they are about."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.findings: list[Finding] = []

    @property
    def failed(self) -> bool:
        """Whether the file cannot be used."""
        return any(finding.severity == "error" for finding in self.findings)

    @property
    def full(self) -> bool:
        """Whether so much is wrong that the names in further expressions are not worth the time."""
        return len(self.findings) >= _MOST_NAMES

    def suggest(self, word: str, known: Iterable[str]) -> str | None:
        """What was probably meant; only for the first findings, for comparing names takes time."""
        return suggest(word, known) if len(self.findings) < _SUGGESTIONS else None

    def offer(self, fixes: tuple[Edit, ...], *, safe: bool = False) -> None:
        """Edits that would mend what was noted last, `safe` if the file means the same afterwards."""
        if fixes:
            self.findings[-1] = replace(self.findings[-1], fixes=fixes, safe=safe)

    def note(
        self,
        path: Path,
        rule: str,
        message: str,
        *,
        suggestion: str | None = None,
        severity: Severity = "error",
        at_key: bool = False,
    ) -> None:
        """Note something about the value (or, `at_key`, the key) at `path`."""
        self.findings.append(
            self.document.finding(path, rule, message, suggestion=suggestion, severity=severity, at_key=at_key)
        )

    def note_span(
        self, span: Span, rule: str, message: str, *, suggestion: str | None = None, severity: Severity = "error"
    ) -> None:
        """Note something about a part of the text."""
        self.findings.append(
            self.document.source.finding(span, rule, message, suggestion=suggestion, severity=severity)
        )
