"""Takes out the findings that comments ignore, and finds the comments that are wrong or do nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from engine.lint.catalog import RULES
from engine.lint.ignores import Ignore, ignores, whole
from engine.lint.rules import bad_ignore, unused_ignore
from engine.spec.findings import Finding
from engine.spec.load import Loaded
from engine.spec.nodes import Document, Span
from engine.spec.shape import suggest

_IDS = frozenset(rule.id for rule in RULES)
_BY_FILE = frozenset(rule.id for rule in RULES if rule.check_all is None)
"""Rules that look at a file where others have errors."""
_FORM = "`# headrace: ignore[rule-id] reason`"


def without_ignored(found: Iterable[Finding], loaded: Loaded) -> Iterator[Finding]:
    """What is left of `found`, and what there is to say of the comments. Errors stay: sync would not load the file."""
    by_file: dict[str, list[Finding]] = {path: [] for path in loaded.documents}
    for finding in found:
        by_file.setdefault(finding.path, []).append(finding)
    wrong = {finding.path for finding in loaded.errors}
    for path, findings in by_file.items():
        document = loaded.documents.get(path)
        comments = list(ignores(document)) if document else []
        if document is None or not comments:
            yield from findings
        else:
            looked = _BY_FILE if loaded.project_ok and path not in wrong else frozenset()
            yield from _rest(document, findings, comments, looked=looked if wrong else _IDS)


def _rest(
    document: Document, found: list[Finding], comments: list[Ignore], *, looked: frozenset[str]
) -> Iterator[Finding]:
    known: dict[tuple[str, int | None], list[Span]] = {}
    for comment in comments:
        for rule, span in comment.rules if comment.reason else ():
            known.setdefault((rule, comment.line), []).append(span)
    used: set[Span] = set()
    in_vain: set[Span] = set()
    for finding in found:
        spans = known.get((finding.rule, finding.line), []) + known.get((finding.rule, None), [])
        if not spans or finding.severity == "error":
            in_vain.update(spans)
            yield finding
        else:
            used.update(spans)
    for comment in comments:
        yield from _wrong(document, comment, in_vain)
        if comment.reason:
            yield from _unused(document, comment, used | in_vain, looked)


def _wrong(document: Document, comment: Ignore, in_vain: set[Span]) -> Iterator[Finding]:
    def bad(span: Span, message: str, suggestion: str | None = None) -> Finding:
        source, rule = document.source, bad_ignore.RULE
        return source.finding(span, rule.id, message, suggestion=suggestion, severity=rule.severity)

    if not comment.rules:
        yield bad(comment.span, f"this does not say what it ignores; write {_FORM}")
    elif not comment.reason:
        yield bad(comment.span, f"this does not say why, so it ignores nothing; write {_FORM}")
    for rule, span in comment.rules:
        if rule not in _IDS:
            yield bad(span, f'there is no rule "{rule}"', suggest(rule, _IDS))
        elif span in in_vain:
            yield bad(span, f'"{rule}" is an error here, and errors cannot be ignored: the file would not be loaded')


def _unused(document: Document, comment: Ignore, used: set[Span], looked: frozenset[str]) -> Iterator[Finding]:
    """The names of rules that looked and found nothing to ignore, each with the edit that leaves only the others."""
    unused = [(rule, span) for rule, span in comment.rules if rule in looked and span not in used]
    kept = [rule for rule, _ in comment.rules if rule not in dict(unused)]
    place, text = whole(document.source.text, comment), ""
    if kept:
        place = Span(start=comment.rules[0][1].start, end=comment.rules[-1][1].end)
        text = ", ".join(kept)
    for rule, span in unused:
        message = f'nothing here breaks the rule "{rule}"'
        finding = document.source.finding(span, unused_ignore.RULE.id, message, severity=unused_ignore.RULE.severity)
        yield replace(finding, fixes=(document.source.edit(place, text),), safe=True)
