"""Makes the fixes that leave the meaning of files as it is (`headrace lint --fix`)."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.lint.linter import lint
from engine.spec.findings import Edit, Finding
from engine.spec.nodes import Span, Text

_MOST_ROUNDS = 20
"""A fix can make room for another; this many times is more than any file has had."""


@dataclass(slots=True, kw_only=True)
class Fixed:
    """The files that changed, how many fixes that were, and what is still found."""

    files: dict[str, bytes] = field(default_factory=dict)
    fixes: int = 0
    findings: list[Finding] = field(default_factory=list)


def fix(files: Mapping[str, bytes], names: Iterable[str] | None = None) -> Fixed:
    """Make every safe fix in these files, or in those named. Made again, there is nothing left to do."""
    now = dict(files)
    fixed = Fixed()
    wanted = set(files if names is None else names)
    for _ in range(_MOST_ROUNDS):
        fixed.findings = lint(now)
        safe = [finding for finding in fixed.findings if finding.safe and finding.path in wanted]
        if not safe:
            break
        for path in {finding.path for finding in safe}:
            groups = [finding.fixes for finding in safe if finding.path == path]
            mark = BOM_UTF8 if now[path].startswith(BOM_UTF8) else b""
            text, made = edited(now[path].removeprefix(mark).decode(), groups)
            fixed.fixes += made
            now[path] = fixed.files[path] = mark + text.encode()
    return fixed


def edited(text: str, groups: Iterable[Sequence[Edit]]) -> tuple[str, int]:
    """The text after these fixes, each of some edits, and how many were made: one that overlaps another is left out."""
    source = Text("", text)
    made: dict[Span, str] = {}
    number = 0
    for group in groups:
        edits = {_span(source, edit): edit.text for edit in group}
        new = {span: to for span, to in edits.items() if made.get(span) != to}
        if not any(_overlap(span, other) for span in new for other in made):
            made |= new
            number += 1
    for span in sorted(made, key=lambda span: span.start, reverse=True):
        text = text[: span.start] + made[span] + text[span.end :]
    return text, number


def _span(source: Text, edit: Edit) -> Span:
    return Span(start=source.offset(edit.line, edit.column), end=source.offset(edit.end_line, edit.end_column))


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end
