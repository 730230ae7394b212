"""Compiles the expressions of a file, bare or in `${{ }}`, and keeps where in the file they stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass
from typing import TypeAlias

from engine.core.expressions.model import Expression, ListOf, Literal, MapOf, Position, Template, Text
from engine.core.values import Json
from engine.spec.cel import CelSyntaxError, parse
from engine.spec.findings import Severity
from engine.spec.interpolate import InterpolationError, Piece, split
from engine.spec.names import NameProblem, Scope, check_names
from engine.spec.needing import needing
from engine.spec.nodes import Mapping, Node, Path, Scalar, Sequence, Span
from engine.spec.notebook import Notebook
from engine.spec.scalars import offsets
from engine.spec.typing.check import check_types
from engine.spec.typing.expected import WITHIN_TEXT, Expected, bare_at, fitting
from engine.spec.typing.types import UNKNOWN, Type, element_of, member_of, of_schema

Watch: TypeAlias = Callable[[Scalar, Scope], None]
"""Is told each value with expressions and what they may read, before they are read."""

_NO_EXPRESSION = Expression(source="null", ast=None)
"""Stands for an expression with an error: the file it is in is never loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What a value of the file must be, and how it is called there."""

    name: str
    type: Type

    def item(self) -> _Wanted:
        return self if self.type.unknown else _Wanted(name=f"an item of {self.name}", type=element_of(self.type))

    def member(self, key: str) -> _Wanted:
        return _Wanted(name=key, type=UNKNOWN if self.type.unknown else member_of(self.type, key))


class Expressions:
    """Compiles the expressions of one file; what is wrong with them goes to its notebook."""

    def __init__(self, notebook: Notebook, tasks: Iterable[str], watch: Watch | None = None) -> None:
        self._notebook = notebook
        self._watch = watch
        self._document = notebook.document
        self._tasks = frozenset(tasks)
        """Every task of the file, whatever list it is in."""
        self.reads: set[tuple[str, ...]] = set()
        """Every path that an expression of the file reads."""
        self._mapped: tuple[Scalar, SequenceOf[int] | None] | None = None

    def bare(self, path: Path, scope: Scope) -> Expression | None:
        """The expression that is the whole value at `path`; None where there is no value."""
        node = self._document.find(path)
        if not isinstance(node, Scalar):
            return None
        if self._watch is not None:
            self._watch(node, scope)
        if isinstance(node.value, bool):
            return self._expression(node, str(node.value).lower(), 0, scope, bare_at(path))  # YAML's True is CEL's true
        start = len(node.text) - len(node.text.lstrip())
        return self._expression(node, node.text.strip(), start, scope, bare_at(path))

    def required(self, path: Path, scope: Scope) -> Expression:
        """The expression at `path`, which its model requires."""
        return self.bare(path, scope) or _NO_EXPRESSION

    def template(self, path: Path, scope: Scope, *, without: str = "", expected: Json = None) -> Template:
        """The value at `path` with the expressions in its strings, less one key; an empty map where there is no value.

        `expected` is the JSON Schema that the value will be held against, where it is known.
        """
        node = self._document.find(path)
        if isinstance(node, Mapping) and without in node.entries:
            node = Mapping(span=node.span, entries={key: node.entries[key] for key in node.entries if key != without})
        wanted = _Wanted(name=str(path[-1]), type=of_schema(expected))
        return Literal(value={}) if node is None else self._template(node, scope, wanted)

    def _template(self, node: Node, scope: Scope, wanted: _Wanted) -> Template:
        if isinstance(node, Scalar):
            return self._scalar(node, scope, wanted)
        if isinstance(node, Sequence):
            items = tuple(self._template(item, scope, wanted.item()) for item in node.items)
            if all(isinstance(item, Literal) for item in items):
                return Literal(value=[item.value for item in items if isinstance(item, Literal)])
            return ListOf(items=items)
        return self._mapping(node, scope, wanted)

    def _mapping(self, node: Mapping, scope: Scope, wanted: _Wanted) -> Template:
        entries = tuple(
            (key, self._template(entry.node, scope, wanted.member(key))) for key, entry in node.entries.items()
        )
        if all(isinstance(value, Literal) for _, value in entries):
            return Literal(value={key: value.value for key, value in entries if isinstance(value, Literal)})
        return MapOf(items=entries)

    def _scalar(self, node: Scalar, scope: Scope, wanted: _Wanted) -> Template:
        if not isinstance(node.value, str) or "${{" not in node.text:
            return Literal(value=node.value)
        if self._watch is not None:
            self._watch(node, scope)
        try:
            pieces = split(node.text)
        except InterpolationError as error:
            self._note(node, error.offset, 1, "expression-syntax", error.message)
            return Literal(value=node.value)
        expected = fitting(wanted.name, wanted.type) if len(pieces) == 1 else WITHIN_TEXT
        parts = [
            self._expression(node, piece.source, piece.offset, scope, expected) if isinstance(piece, Piece) else piece
            for piece in pieces
        ]
        if len(parts) == 1 and isinstance(parts[0], Expression):
            return parts[0]
        if any(isinstance(part, Expression) for part in parts):
            return Text(parts=tuple(parts))
        return Literal(value="".join(part for part in parts if isinstance(part, str)))

    def _expression(self, node: Scalar, source: str, offset: int, scope: Scope, expected: Expected) -> Expression:
        try:
            parsed = parse(source)
        except CelSyntaxError as error:
            self._note(node, offset + error.offset, 1, "expression-syntax", error.message)
            return _NO_EXPRESSION
        self.reads.update(parsed.refs)
        for problem in () if self._notebook.full else check_names(parsed.ast, scope):
            rule, message, suggestion = self._explain(source, problem, scope)
            self._note(node, offset + problem.offset, problem.length, rule, message, suggestion=suggestion)
            if rule == "not-awaited":
                word = source[problem.offset : problem.offset + problem.length]
                self._notebook.offer(needing(self._document, node.span.start, word))
        for wrong in () if self._notebook.full else check_types(parsed.ast, scope, expected):
            self._note(
                node,
                offset + wrong.offset,
                wrong.length,
                wrong.rule,
                wrong.message,
                suggestion=wrong.suggestion,
                severity=wrong.severity,
            )
        return Expression(
            source=source, ast=parsed.ast, refs=parsed.refs, starts=self._starts(node, offset, len(source))
        )

    def _explain(self, source: str, problem: NameProblem, scope: Scope) -> tuple[str, str, str | None]:
        """The rule a name breaks; where more is known than that it is missing, its message says so."""
        word = source[problem.offset : problem.offset + problem.length]
        before = source[: problem.offset].rstrip()
        if word == "secrets" and word not in scope["properties"]:
            return "misplaced-secret", "secrets can be read only in `with` and `env` of tasks that a worker runs", None
        if re.search(r"\bsecrets\s*\.$", before):
            message = f'there is no "{word}" among the `secrets` of project.yaml'
            return "unknown-secret", message, problem.suggestion
        if re.search(r"\btasks\s*\.$", before) and word in self._tasks:
            if word not in scope["properties"].get("tasks", {}).get("x-near", ()):
                message = f'the task "{word}" stands in another list: read what the group around it gives in `outputs`'
                return "not-awaited", message, None
            message = f'this place does not wait for the task "{word}", so it cannot read it; put it in `needs`'
            return "not-awaited", message, None
        rule = "maybe-absent" if " may be absent: " in problem.message else "unknown-name"
        return rule, problem.message, problem.suggestion

    def _map(self, node: Scalar) -> SequenceOf[int] | None:
        """Where each character of a scalar stands in the file; kept for the scalar that was asked for last."""
        if self._mapped is None or self._mapped[0] is not node:
            span = node.span
            self._mapped = node, offsets(self._document.source.text, span.start, span.end, node.style, node.text)
        return self._mapped[1]

    def _starts(self, node: Scalar, offset: int, length: int) -> tuple[tuple[int, Position], ...]:
        """Where the parts of an expression stand in the file: one entry for each run of text that is written as it reads."""
        position = self._document.source.position
        places = self._map(node)
        if places is None or isinstance(places, range):
            return ((0, position(node.span.start if places is None else places[offset])),)
        starts = []
        expected = -1
        for index in range(max(length, 1)):
            place = places[offset + index]
            if place != expected:
                starts.append((index, position(place)))
            expected = place + 1
        return tuple(starts)

    def _note(
        self,
        node: Scalar,
        offset: int,
        length: int,
        rule: str,
        message: str,
        *,
        suggestion: str | None = None,
        severity: Severity = "error",
    ) -> None:
        places = self._map(node)
        span = node.span
        if places is not None:
            last = len(places) - 1
            start, end = places[min(offset, last)], places[min(offset + length, last)]
            span = Span(start=start, end=max(start, end))
        self._notebook.note_span(span, rule, message, suggestion=suggestion, severity=severity)
