"""The lines of files that findings are about."""

from __future__ import annotations

from collections.abc import Mapping

from engine.spec.findings import Finding
from engine.spec.nodes import LINE_BREAK


class Lines:
    """Finds the line of a finding; each file is cut into lines once."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self._cut: dict[str, list[str]] = {}

    def of(self, finding: Finding) -> str | None:
        """The first line that the finding covers; None where the file has no such line."""
        if finding.path not in self._cut:
            text = self._files.get(finding.path, b"").decode("utf-8-sig", "replace")
            self._cut[finding.path] = LINE_BREAK.split(text)
        lines = self._cut[finding.path]
        return lines[finding.line - 1] if finding.line <= len(lines) else None
