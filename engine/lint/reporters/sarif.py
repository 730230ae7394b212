"""Findings for code scanning: a log in the Static Analysis Results Interchange Format, SARIF 2.1.0."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from urllib.parse import quote

import orjson

from engine.core.values import JsonObject
from engine.lint.catalog import RULES
from engine.lint.reporters.fingerprint import fingerprints
from engine.lint.rule import Rule
from engine.spec.findings import Edit, Finding
from engine.version import installed

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_INDEXES = {rule.id: index for index, rule in enumerate(RULES)}
_LINK = re.compile(r"\[(?=[^\]]*\]\()")


def report(findings: Sequence[Finding], files: Mapping[str, bytes]) -> str:
    """One run with every rule there is and the findings in the order given."""
    marks = fingerprints(findings, files)
    run = {
        "tool": {"driver": _driver()},
        "columnKind": "unicodeCodePoints",  # as findings count; left out it would be UTF-16's units
        "results": [_result(finding, mark) for finding, mark in zip(findings, marks, strict=True)],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return orjson.dumps(log, option=orjson.OPT_INDENT_2).decode() + "\n"


def _driver() -> JsonObject:
    version = installed()
    return {"name": "headrace", **({"version": version} if version else {}), "rules": [_rule(rule) for rule in RULES]}


def _rule(rule: Rule) -> JsonObject:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.why},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "help": {
            "text": f"{rule.why}\n\nBefore:\n\n{rule.before}\nAfter:\n\n{rule.after}",
            "markdown": f"{rule.why}\n\nBefore:\n\n{_block(rule.before)}\nAfter:\n\n{_block(rule.after)}",
        },
    }


def _block(text: str) -> str:
    return f"```yaml\n{text.rstrip()}\n```\n"


def _result(finding: Finding, mark: str) -> JsonObject:
    place = {"artifactLocation": _file(finding.path), "region": _region(finding)}
    index = _INDEXES.get(finding.rule)
    return {
        "ruleId": finding.rule,
        **({} if index is None else {"ruleIndex": index}),
        "level": _LEVELS[finding.severity],
        "message": {"text": _words(finding.text)},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"headrace/v1": mark},
        **({"fixes": [_fix(finding)]} if finding.fixes else {}),
    }


def _words(text: str) -> str:
    """A text that has no links, whatever an author wrote. Braces stay: they stand for arguments only where there are some."""
    return _LINK.sub(r"\\[", text)


def _file(path: str) -> JsonObject:
    uri = quote(os.fsencode(PurePath(path).as_posix()))
    return {"uri": f"file://{uri}"} if PurePath(path).is_absolute() else {"uri": uri, "uriBaseId": "%SRCROOT%"}


def _region(place: Finding | Edit) -> JsonObject:
    region: JsonObject = {"startLine": place.line, "startColumn": place.column}
    if place.end_line is not None and place.end_column is not None:
        region |= {"endLine": place.end_line, "endColumn": place.end_column}
    return region


def _fix(finding: Finding) -> JsonObject:
    says = "Changes no meaning: headrace lint --fix makes it." if finding.safe else "What was probably meant."
    edits = [{"deletedRegion": _region(edit), "insertedContent": {"text": edit.text}} for edit in finding.fixes]
    change = {"artifactLocation": _file(finding.path), "replacements": edits}
    return {"description": {"text": says}, "artifactChanges": [change]}
