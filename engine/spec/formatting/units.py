"""The parts that a file is laid out by, each an entry of a map or an item of a list on lines of its own, with its comments."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from engine.spec.nodes import Document, Entry, Mapping, Node, Scalar, Sequence, Span

_COMMENT = re.compile(r"(?:(?<=[ \t\n])|^)#[^\n]*")
_BLOCK = ("|", ">")


class Unformattable(Exception):
    """The file is right, but has something in it that is not laid out anew: it stays as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment as it is written. `gap`: there is an empty line before it."""

    at: int
    text: str
    column: int
    gap: bool


@dataclass(slots=True, kw_only=True)
class Unit:
    """An entry of a block map (`entry`), or an item of a block list (None), and the comments that belong to it.

    `lead` stand above it, `head` behind its key or dash where the value begins below, `tail` behind its value, `foot`
    below it.
    """

    start: int
    column: int
    entry: Entry | None
    node: Node
    gap: bool
    units: list[Unit] = field(default_factory=list)
    lead: list[Comment] = field(default_factory=list)
    head: Comment | None = None
    tail: Comment | None = None
    foot: list[Comment] = field(default_factory=list)
    loose: bool = False
    """There are comments within its flow collection, which therefore stays as it is."""

    @property
    def key(self) -> str:
        """That of an entry; an item has none."""
        return self.entry.key if self.entry is not None else ""


def units_of(document: Document) -> tuple[list[Unit], list[Comment]]:
    """The units of the root, with all below them and every comment at its place; and what stands at the end of the file.

    Raises Unformattable.
    """
    reader = _Reader(document.source.text)
    if not reader.is_block(document.root):
        raise Unformattable("its content is no map on lines of its own")
    root = reader.units(document.root, 0)
    reader.attach(document)
    _close_up(root)
    return root, reader.last


def _close_up(units: list[Unit]) -> None:
    """Before the first of a collection there is no empty line, though there may be one behind the comments above it."""
    first = units[0]
    if first.lead:
        first.lead[0] = replace(first.lead[0], gap=False)
    else:
        first.gap = False
    for unit in units:
        if unit.units:
            _close_up(unit.units)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self._units: list[Unit] = []
        self._hosts: list[tuple[int, Unit, bool]] = []
        """Where a comment may stand behind something: the place, the unit, and whether it is behind its value."""
        self.last: list[Comment] = []

    def is_block(self, node: Node) -> bool:
        """Whether its parts stand on lines of their own."""
        return not isinstance(node, Scalar) and self.text[node.span.start] not in "{["

    def units(self, node: Node, begin: int) -> list[Unit]:
        """Those of a block collection; `begin` is where the text before its first one ends."""
        found = []
        parts: list[tuple[Entry | None, Node]] = []
        if isinstance(node, Mapping):
            parts = [(entry, entry.node) for entry in node.entries.values()]
        if isinstance(node, Sequence):
            parts = [(None, item) for item in node.items]
        for entry, value in parts:
            start = entry.key_span.start if entry is not None else self._dash(begin)
            unit = Unit(start=start, column=self.column(start), entry=entry, node=value, gap=self.gap(start))
            self._units.append(unit)
            after = entry.key_span.end if entry is not None else start + 1
            self._hosts.append((after, unit, False))
            if self.is_block(value):
                unit.units = self.units(value, after)
                begin = self.end(value)
            else:
                begin = max(self.end(value), after)
                self._hosts.append((begin, unit, True))
            found.append(unit)
        return found

    def end(self, node: Node) -> int:
        """Where a value ends, without what libyaml counts to it behind that."""
        if isinstance(node, Scalar):
            written = self.text[node.span.start : node.span.end]
            return node.span.start + len(written.rstrip()) if node.style in _BLOCK else node.span.end
        if not self.is_block(node):
            return node.span.end
        last = [entry.node for entry in node.entries.values()] if isinstance(node, Mapping) else list(node.items)
        return self.end(last[-1])

    def attach(self, document: Document) -> None:
        """Give every comment to the unit that it belongs to."""
        starts = [unit.start for unit in self._units]
        self._hosts.sort(key=lambda host: host[0])
        places = [host[0] for host in self._hosts]
        flows = [unit for unit in self._units if self._is_flow(unit.node)]
        begins = [unit.node.span.start for unit in flows]
        for comment in comments(document):
            nearest = bisect_right(begins, comment.at) - 1
            if nearest >= 0 and comment.at < flows[nearest].node.span.end:
                flows[nearest].loose = True
            elif self.text[self._line(comment.at) : comment.at].strip():
                self._behind(comment, bisect_right(places, comment.at) - 1)
            else:
                self._alone(comment, bisect_right(starts, comment.at))

    def _behind(self, comment: Comment, number: int) -> None:
        place, unit, behind_value = self._hosts[number] if number >= 0 else (0, None, False)
        if unit is None or "\n" in self.text[place : comment.at]:
            raise Unformattable(f'the comment "{comment.text[:30]}" stands where none is expected')
        if behind_value:
            unit.tail = comment
        else:
            unit.head = comment

    def _alone(self, comment: Comment, following: int) -> None:
        """Above the next unit, unless it is further in than that: then below the last one that is not further in."""
        above = self._units[following] if following < len(self._units) else None
        least = self._units[0].column if above is None else above.column
        owner = None
        if comment.column > least:
            behind = (unit for unit in reversed(self._units[:following]) if unit.column <= comment.column)
            owner = next(behind, None)
        if owner is not None and owner.column > least:
            owner.foot.append(comment)
        elif above is not None:
            above.lead.append(comment)
        else:
            self.last.append(comment)

    def _is_flow(self, node: Node) -> bool:
        return not isinstance(node, Scalar) and not self.is_block(node)

    def _dash(self, begin: int) -> int:
        """The place of the next `-`, which no comment hides."""
        while (letter := self.text[begin]) != "-":
            if letter == "#":
                begin = self.text.index("\n", begin)
            begin += 1
        return begin

    def _line(self, at: int) -> int:
        return self.text.rfind("\n", 0, at) + 1

    def column(self, at: int) -> int:
        """How far in it stands."""
        return at - self._line(at)

    def gap(self, at: int) -> bool:
        """Whether the line before is empty."""
        line = self._line(at)
        return line > 0 and not self.text[self._line(line - 1) : line].strip()


def comments(document: Document) -> Iterator[Comment]:
    """Every comment of a file but those behind the sign of a block text, which belong to it."""
    text = document.source.text
    reader = _Reader(text)
    spans = sorted(_texts(document.root))
    begins = [0, *(span.end for span in spans)]
    ends = [*(span.start for span in spans), len(text)]
    for begin, end in zip(begins, ends, strict=True):
        for match in _COMMENT.finditer(text, begin, end):
            at = match.start()
            yield Comment(at=at, text=match.group().rstrip(), column=reader.column(at), gap=reader.gap(at))


def _texts(node: Node) -> Iterator[Span]:
    """Where texts stand, in which a `#` begins no comment."""
    if isinstance(node, Scalar):
        yield node.span
    elif isinstance(node, Mapping):
        for entry in node.entries.values():
            yield entry.key_span
            yield from _texts(entry.node)
    else:
        for item in node.items:
            yield from _texts(item)
