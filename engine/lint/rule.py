"""What a rule of the linter is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from engine.core.model import Definition
from engine.core.project import Project
from engine.spec.findings import Severity
from engine.spec.models import WorkflowKeys
from engine.spec.nodes import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One workflow without errors: its keys as written and what they compile to."""

    keys: WorkflowKeys
    definition: Definition
    project: Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A place that a rule speaks about: the value (or, `at_key`, the key) at `path`."""

    path: Path
    message: str
    at_key: bool = True


Check: TypeAlias = Callable[[Subject], Iterator[Hit]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: what it is called in findings, one sentence about it, and what it does.

    Rules of the loader have no `check`: the loader finds them itself. Every rule has a section in docs/rules.md.
    """

    id: str
    summary: str
    severity: Severity = "error"
    check: Check | None = None
