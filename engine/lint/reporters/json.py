"""Findings for programs: a JSON list whose entries fit `schemas/finding.schema.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from engine.spec.findings import Finding


def report(findings: Sequence[Finding], _files: Mapping[str, bytes]) -> str:
    """The findings in the order given."""
    return orjson.dumps([finding.to_json() for finding in findings], option=orjson.OPT_INDENT_2).decode() + "\n"
