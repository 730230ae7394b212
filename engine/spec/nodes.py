"""A YAML file as a tree that remembers where every key and value stands."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias

from engine.core.expressions.model import Position
from engine.core.values import Json
from engine.spec.findings import Edit, Finding, Severity
from engine.spec.suggested import wrong_word

Path: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the root of a document to a value; in a list of `{id: …}` an id stands for its item's index."""


class Span(NamedTuple):
    """Offsets into the text of the file, the end exclusive."""

    start: int
    end: int


class Scalar(NamedTuple):
    """A value with no parts. `text` is what the author wrote after YAML's unfolding, `style` its quote or block sign."""

    start: int
    end: int
    text: str
    style: str | None
    value: Json

    @property
    def span(self) -> Span:
        """Where it stands, quotes and all; made when somebody asks, as of most nobody does."""
        return Span(self.start, self.end)


class Entry(NamedTuple):
    """One key of a mapping and its value."""

    key: str
    start: int
    end: int
    node: Node

    @property
    def key_span(self) -> Span:
        """Where the key stands."""
        return Span(self.start, self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    span: Span
    entries: dict[str, Entry]

    @property
    def value(self) -> dict[str, Json]:
        """The plain JSON map."""
        return {key: entry.node.value for key, entry in self.entries.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    span: Span
    items: tuple[Node, ...]
    named: dict[str, Mapping] = field(init=False, repr=False, compare=False)
    """The items that are maps with an `id`, by that id."""

    def __post_init__(self) -> None:
        named: dict[str, Mapping] = {}
        for item in self.items:
            if isinstance(item, Mapping) and "id" in item.entries:
                name = item.entries["id"].node
                if isinstance(name, Scalar) and isinstance(name.value, str):
                    named.setdefault(name.value, item)
        object.__setattr__(self, "named", named)

    @property
    def value(self) -> list[Json]:
        """The plain JSON list."""
        return [item.value for item in self.items]


Node: TypeAlias = "Scalar | Mapping | Sequence"


LINE_BREAK = re.compile(r"\r\n|\n|\r")


class Text:
    """The text of one file, which turns offsets into lines and columns."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self._starts = [0, *(match.end() for match in LINE_BREAK.finditer(text))]

    def position(self, offset: int) -> Position:
        """Line and column, both 1-based, of the character at `offset`."""
        line = bisect_right(self._starts, offset)
        return Position(line=line, column=offset - self._starts[line - 1] + 1)

    def offset(self, line: int, column: int) -> int:
        """The inverse of `position`. Raises IndexError for a line that is not there."""
        return self._starts[line - 1] + column - 1

    def finding(
        self, span: Span, rule: str, message: str, *, suggestion: str | None = None, severity: Severity = "error"
    ) -> Finding:
        """A finding that covers `span`."""
        start, end = self.position(span.start), self.position(span.end)
        return Finding(
            path=self.path,
            line=start.line,
            column=start.column,
            end_line=end.line,
            end_column=end.column,
            severity=severity,
            rule=rule,
            message=message,
            suggestion=suggestion,
            fixes=self._instead(span, message, suggestion) if suggestion else (),
        )

    def edit(self, span: Span, text: str) -> Edit:
        """An edit that puts `text` in the place of `span`."""
        start, end = self.position(span.start), self.position(span.end)
        return Edit(line=start.line, column=start.column, end_line=end.line, end_column=end.column, text=text)

    def _instead(self, span: Span, message: str, suggestion: str) -> tuple[Edit, ...]:
        word = wrong_word(self.text[span.start : span.end], message)
        if word is None:
            return ()
        return (self.edit(Span(start=span.start + word[0], end=span.start + word[1]), suggestion),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file, read: its text and its tree."""

    source: Text
    root: Node

    def find(self, path: Path) -> Node | None:
        """The value at `path`, None where there is none."""
        node: Node | None = self.root
        for step in path:
            node = _child(node, step)
        return node

    def span(self, path: Path) -> Span:
        """Where to point for `path`: a scalar's own span, else the key that holds it, else the nearest that exists."""
        node = self.find(path)
        if isinstance(node, Scalar) and node.span.start < node.span.end:
            return node.span
        return self.key_span(path)

    def key_span(self, path: Path) -> Span:
        """The key at `path`, or the start of a list's item, or of the nearest enclosing value that exists."""
        for length in range(len(path), 0, -1):
            parent = self.find(path[: length - 1])
            step = path[length - 1]
            if isinstance(parent, Mapping) and step in parent.entries:
                return parent.entries[str(step)].key_span
            if isinstance(parent, Sequence) and (item := parent.named.get(str(step))):
                return item.entries["id"].node.span
            if (node := _child(parent, step)) is not None:
                return _head(node)
        return Span(start=self.root.span.start, end=self.root.span.start)

    def finding(
        self,
        path: Path,
        rule: str,
        message: str,
        *,
        suggestion: str | None = None,
        severity: Severity = "error",
        at_key: bool = False,
    ) -> Finding:
        """A finding at the value (or, `at_key`, the key) at `path`."""
        span = self.key_span(path) if at_key else self.span(path)
        finding = self.source.finding(span, rule, message, suggestion=suggestion, severity=severity)
        if finding.fixes and self.find(path) is None:
            return replace(finding, fixes=())  # it points at what is near: the word is not written there
        return finding


def _head(node: Node) -> Span:
    """Where to point for an item of a list: a scalar, the first key of a map, or the bracket of a list."""
    if isinstance(node, Scalar):
        return node.span
    if isinstance(node, Mapping) and node.entries:
        return next(iter(node.entries.values())).key_span
    return Span(start=node.span.start, end=node.span.start + 1)


def _child(node: Node | None, step: str | int) -> Node | None:
    if isinstance(node, Mapping) and step in node.entries:
        return node.entries[str(step)].node
    if isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
        return node.items[step]
    if isinstance(node, Sequence) and isinstance(step, str):
        return node.named.get(step)
    return None
