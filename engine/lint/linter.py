"""All that can be said about a set of files: what the loader finds, then what the rules find in what it loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.lint.catalog import RULES
from engine.lint.rule import Subject
from engine.spec.findings import Finding, ordered
from engine.spec.load import Loaded, WorkflowFile, load


def lint(files: Mapping[str, bytes]) -> list[Finding]:
    """Every finding about these files (paths to bytes), in order. Files that are neither project nor workflow are left out."""
    return list(lint_loaded(load(files)))


def lint_loaded(loaded: Loaded) -> tuple[Finding, ...]:
    """Every finding about files that were loaded before."""
    found = [finding for file in loaded.files for finding in _lint_file(file, loaded)]
    return ordered([*loaded.findings, *found])


def _lint_file(file: WorkflowFile, loaded: Loaded) -> Iterator[Finding]:
    if file.definition is None:
        return
    subject = Subject(keys=file.keys, definition=file.definition, project=loaded.project)
    for rule in RULES:
        for hit in rule.check(subject) if rule.check else ():
            yield file.document.finding(hit.path, rule.id, hit.message, severity=rule.severity, at_key=hit.at_key)
