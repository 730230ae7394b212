"""Every way to show findings, by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from engine.lint.reporters import github, gitlab, json, junit, sarif, text
from engine.spec.findings import Finding

Report: TypeAlias = Callable[[Sequence[Finding], Mapping[str, bytes]], str]
"""Shows findings about these files (paths to bytes), in the order given."""

REPORTS: Mapping[str, Report] = MappingProxyType(
    {
        "text": text.report,
        "json": json.report,
        "sarif": sarif.report,
        "github": github.report,
        "gitlab": gitlab.report,
        "junit": junit.report,
    }
)
