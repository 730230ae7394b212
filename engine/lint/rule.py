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
    """One rule, in a file of its own: what it is called in findings, what it says and why, and an example.

    `before` is a file that the rule finds something in, `after` the same file without it; both are golden. Rules of the
    loader have no `check`: the loader finds them itself.
    """

    id: str
    summary: str
    severity: Severity
    why: str
    before: str
    after: str
    check: Check | None = None
