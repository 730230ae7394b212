"""Findings for programs: a JSON list whose entries fit `schemas/finding.schema.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from engine.core.values import JsonObject
from engine.spec.findings import Finding


def report(findings: Sequence[Finding], _files: Mapping[str, bytes]) -> str:
    """The findings in the order given."""
    return orjson.dumps([_entry(finding) for finding in findings], option=orjson.OPT_INDENT_2).decode() + "\n"


def _entry(finding: Finding) -> JsonObject:
    """Names of files can be no text, and messages name files; JSON is text."""
    return {**finding.to_json(), "path": _text(finding.path), "message": _text(finding.message)}


def _text(name: str) -> str:
    return name.encode(errors="surrogateescape").decode(errors="replace")
