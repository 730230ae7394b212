"""Gives findings the severity that project.yaml sets for their rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from engine.lint.catalog import RULES
from engine.lint.rules import bad_policy
from engine.spec.findings import Finding
from engine.spec.load import Loaded
from engine.spec.shape import suggest

_RULES = {rule.id: rule for rule in RULES}


def levelled(found: Iterable[Finding], loaded: Loaded) -> Iterator[Finding]:
    """The findings, less those of rules that are off."""
    levels = {name: level for name, level in loaded.policies.severity.items() if name in _RULES and not _stays(name)}
    for finding in found:
        level = levels.get(finding.rule)
        if level is None:
            yield finding
        elif level != "off":
            yield replace(finding, severity=level)


def wrong_levels(loaded: Loaded) -> Iterator[Finding]:
    """Each severity that is set for a rule that is not there, or for one whose findings keep a file from being loaded."""
    for name, level in loaded.policies.severity.items():
        if loaded.project_document is None or (name in _RULES and (not _stays(name) or level == "error")):
            continue
        suggestion = None if name in _RULES else suggest(name, _RULES)
        message = (
            f'there is no rule "{name}"' if name not in _RULES else f'"{name}" is always an error: nothing could run'
        )
        rule = bad_policy.RULE
        yield loaded.project_document.finding(
            ("policies", "severity", name),
            rule.id,
            message,
            suggestion=suggestion,
            severity=rule.severity,
            at_key=True,
        )


def _stays(name: str) -> bool:
    """Whether files that break the rule cannot be loaded, whatever anybody wishes."""
    rule = _RULES[name]
    return rule.severity == "error" and rule.check is None and rule.check_all is None
