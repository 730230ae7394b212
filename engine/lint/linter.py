"""All that can be said about a set of files: what the loader finds, then what the rules find in what it loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.lint.rule import Rule, Subject
from engine.lint.rules import missing_expiry, too_few_approvers, unhandled_approval, unused_input
from engine.lint.rules.loading import LOADING
from engine.spec.findings import Finding, ordered
from engine.spec.load import Loaded, WorkflowFile, load

RULES: tuple[Rule, ...] = (
    *LOADING,
    missing_expiry.RULE,
    too_few_approvers.RULE,
    unhandled_approval.RULE,
    unused_input.RULE,
)
"""Every rule whose id a finding can have."""


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
