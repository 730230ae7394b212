"""Knows a finding again after lines moved: CI servers tell new findings from old ones by it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

from engine.lint.reporters.lines import Lines
from engine.spec.findings import Finding


def fingerprints(findings: Sequence[Finding], files: Mapping[str, bytes]) -> list[str]:
    """One for each finding, in their order, no two alike.

    It is made of the file, the rule, the words of the line, and which of those alike it is; of no line number and no
    message, for messages name other lines.
    """
    lines = Lines(files)
    seen: Counter[tuple[str, str, str]] = Counter()
    made = []
    for finding in findings:
        alike = (finding.path, finding.rule, " ".join((lines.of(finding) or "").split()))
        seen[alike] += 1
        text = "\0".join((*alike, str(seen[alike])))
        made.append(hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest())
    return made
