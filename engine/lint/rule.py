"""What a rule of the linter is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from engine.core.model import Definition
from engine.core.project import Project
from engine.lint.flow import Flow
from engine.spec.findings import Edit, Severity
from engine.spec.load import Loaded
from engine.spec.models import WorkflowKeys
from engine.spec.nodes import Document, Path, Span
from engine.spec.policy_models import PoliciesKeys


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One workflow without errors: its keys as written and what they compile to.

    `project` is None where project.yaml has errors: then nothing can be said that depends on it.
    """

    document: Document
    keys: WorkflowKeys
    definition: Definition
    project: Project | None
    policies: PoliciesKeys

    @cached_property
    def flow(self) -> Flow:
        """What comes of following its tasks."""
        return Flow(self.definition)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A place that a rule speaks about: the value (or, `at_key`, the key) at `path`, or the part of it at `span`.

    `suggestion` is what was probably meant. `fixes` mend it, and are `safe` if the file means the same afterwards.
    """

    path: Path
    message: str
    at_key: bool = True
    span: Span | None = None
    suggestion: str | None = None
    fixes: tuple[Edit, ...] = ()
    safe: bool = False


Check: TypeAlias = Callable[[Subject], Iterator[Hit]]
CheckAll: TypeAlias = Callable[[Loaded], Iterator[tuple[Document, Hit]]]
"""A check of all files together, for what no single one shows; each hit comes with the file that it is in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule, in a file of its own: what it is called in findings, what it says and why, and an example.

    `before` is a file that the rule finds something in, `after` the same file without it; both are golden. Rules
    without a check are found by the loader, or by the linter itself.
    """

    id: str
    summary: str
    severity: Severity
    why: str
    before: str
    after: str
    check: Check | None = None
    check_all: CheckAll | None = None
