"""Which names an expression may read at its place in a file (LANGUAGE, "Expressions")."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from engine.core.outcomes import possible
from engine.core.project import Project
from engine.spec.graph import Graph
from engine.spec.models import TaskKeys, WorkflowKeys
from engine.spec.nodes import Path
from engine.spec.reliance import kind_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    names: frozenset[str] = frozenset()


class Visible:
    """The scopes of one workflow file."""

    def __init__(self, keys: WorkflowKeys, project: Project | None) -> None:
        self._keys = keys
        self._project = project

    def to_task(self, name: str, graph: Graph, listed: Path) -> Scope:
        return Scope()

    def with_secrets(self, scope: Scope, kind: str) -> Scope:
        return scope

    def with_error(self, scope: Scope) -> Scope:
        return scope

    def to_default_retry(self) -> Scope:
        return Scope()

    def to_checks(self) -> Scope:
        return Scope()

    def to_trigger(self) -> Scope:
        return Scope()

    def to_outputs(self, graph: Graph | None) -> Scope:
        return Scope()
