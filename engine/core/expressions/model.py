"""Expressions and templates as the definition stores them: parsed once, at sync."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from engine.core.values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """1-based line and column in a workflow file."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """One CEL expression.

    `ast` is the JSON form that `engine.spec.cel` makes and `engine.core.expressions.evaluate` runs.
    `refs` are the paths it reads, each as a tuple of names, maximal ones only: `("tasks", "build", "outputs", "image")`.
    `starts` maps offsets in `source` to the file: one (offset, Position) for each line of the expression. Two that only stand
    elsewhere are equal.
    """

    source: str
    ast: Json
    refs: tuple[tuple[str, ...], ...] = ()
    starts: tuple[tuple[int, Position], ...] = field(default=(), compare=False)

    @property
    def reads_secrets(self) -> bool:
        """Whether it can only be evaluated in the worker, just before the task runs."""
        return any(ref[0] == "secrets" for ref in self.refs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """A value that stands in the file as it is."""

    value: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Mixed text, `release-${{ inputs.service }}`: strings, numbers and booleans become text, all else is an error."""

    parts: tuple[str | Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf:
    """A list with at least one template in it."""

    items: tuple[Template, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapOf:
    """A map with at least one template in it."""

    items: tuple[tuple[str, Template], ...]


Template: TypeAlias = "Literal | Expression | Text | ListOf | MapOf"
"""A value of `with`, `env`, `outputs` or `inputs` of a trigger. An Expression keeps the type of its result."""

NOTHING = Literal(value={})
"""A map with nothing in it."""
