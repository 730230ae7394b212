"""All that can be said about a set of files: what the loader finds, then what the rules find in what it loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from engine.lint.catalog import RULES
from engine.lint.known import without_ignored
from engine.lint.rule import Hit, Rule, Subject
from engine.lint.severities import levelled, wrong_levels
from engine.spec.findings import Finding, ordered
from engine.spec.load import Loaded, WorkflowFile, load
from engine.spec.nodes import Document


def lint(files: Mapping[str, bytes]) -> list[Finding]:
    """Every finding about these files (paths to bytes), in order. Files that are neither project nor workflow are left out."""
    return list(lint_loaded(load(files)))


def lint_loaded(loaded: Loaded) -> tuple[Finding, ...]:
    """Every finding about files that were loaded before."""
    found = [finding for file in loaded.files for finding in _lint_file(file, loaded)]
    for rule in RULES:
        for document, hit in rule.check_all(loaded) if rule.check_all else ():
            found.append(_finding(document, rule, hit))
    found += wrong_levels(loaded)
    left = without_ignored(levelled([*loaded.findings, *found], loaded), loaded)
    return ordered(levelled(left, loaded))  # once more: what there is to say of comments has a level, too


def _lint_file(file: WorkflowFile, loaded: Loaded) -> Iterator[Finding]:
    if file.definition is None:
        return
    project = loaded.project if loaded.project_ok else None
    subject = Subject(
        document=file.document,
        keys=file.keys,
        definition=file.definition,
        project=project,
        policies=loaded.policies,
    )
    for rule in RULES:
        for hit in rule.check(subject) if rule.check else ():
            yield _finding(file.document, rule, hit)


def _finding(document: Document, rule: Rule, hit: Hit) -> Finding:
    span = hit.span or (document.key_span(hit.path) if hit.at_key else document.span(hit.path))
    found = document.source.finding(span, rule.id, hit.message, suggestion=hit.suggestion, severity=rule.severity)
    return replace(found, fixes=hit.fixes, safe=hit.safe) if hit.fixes else found
