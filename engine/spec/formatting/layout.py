"""Writes the units of a file on their lines: two columns in for each level, keys in their order, comments with what they are about."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as Several
from dataclasses import dataclass

from engine.spec.formatting.order import LIST, ROOT, ordered, place
from engine.spec.formatting.texts import STEP, Texts
from engine.spec.formatting.units import Comment, Unit
from engine.spec.nodes import Mapping, Node, Path, Scalar, Sequence

WIDTH = 120
"""Columns up to which a flow collection stays on one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Laid:
    """A unit with its lines; `long`: it is a collection on more than one."""

    unit: Unit
    lines: list[str]
    long: bool

    @property
    def gap(self) -> bool:
        """Whether there was an empty line before it and its comments."""
        return self.unit.lead[0].gap if self.unit.lead else self.unit.gap


class Layout:
    """The layout of one file. `workflow`: its keys have an order, and its tasks stand apart."""

    def __init__(self, text: str, *, workflow: bool) -> None:
        self._texts = Texts(text)
        self._workflow = workflow

    def file(self, units: Several[Unit], last: Several[Comment]) -> str:
        """The text of the file. What stands above its first key stays at the top, whichever key comes first then."""
        first = units[0]
        head = _above(first.lead, "")
        if head and first.gap:
            head.append("")
        first.lead, first.gap = [], False
        foot = _above(last, "")
        if foot and last[0].gap:
            foot.insert(0, "")
        return "\n".join([*head, *self._units(units, (), 0), *foot]) + "\n"

    def _units(self, units: Several[Unit], path: Path, indent: int) -> list[str]:
        lines: list[str] = []
        before: _Laid | None = None
        for unit in self._ordered(units, path):
            laid = self._unit(unit, (*path, unit.key), indent)
            if before is not None and (laid.gap or (self._is_airy(path) and (before.long or laid.long))):
                lines.append("")
            lines += laid.lines
            before = laid
        return lines

    def _ordered(self, units: Several[Unit], path: Path) -> Several[Unit]:
        return ordered(path, [(unit.key, unit) for unit in units]) if self._workflow else units

    def _is_airy(self, path: Path) -> bool:
        """Whether long units stand apart here: at the top, and in the outermost lists of tasks."""
        return self._workflow and (place(path) == ROOT or (len(path) == 1 and place(path) == LIST))

    def _unit(self, unit: Unit, path: Path, indent: int) -> _Laid:
        space = " " * indent
        value = self._value(unit, path, indent)
        lines = _above(unit.lead, space)
        if unit.lead and unit.gap:
            lines.append("")
        lines += value
        if unit.foot and unit.foot[0].gap:
            lines.append("")
        lines += _above(unit.foot, space)
        return _Laid(unit=unit, lines=lines, long=len(value) > 1 and not isinstance(unit.node, Scalar))

    def _value(self, unit: Unit, path: Path, indent: int) -> list[str]:
        """A unit without the comments above and below it."""
        shift = indent - unit.column
        sign = " " * indent + (f"{self._texts.key(unit.entry.key_span)}:" if unit.entry is not None else "-")
        if unit.units:
            inner = self._units(unit.units, path, indent + STEP)
            if unit.entry is None and unit.head is None and not self._ordered(unit.units, path)[0].lead:
                return [f"{sign} {inner[0].lstrip(' ')}", *inner[1:]]
            return [_with(sign, unit.head, shift), *inner]
        head, tail = (unit.head, unit.tail) if unit.tail is not None else (None, unit.head)
        first, *rest = self._lines(unit, path, indent, len(sign) + 1)
        if head is not None:
            lines = [_with(sign, head, shift), " " * (indent + STEP) + first, *rest]
        else:
            lines = [f"{sign} {first}" if first else sign, *rest]
        *above, last = lines
        return [*above, _with(last, tail, shift)]

    def _lines(self, unit: Unit, path: Path, indent: int, used: int) -> list[str]:
        """The lines of a value: the first as it stands behind its key, which leaves `used` columns less; "" for none there."""
        node = unit.node
        if isinstance(node, Scalar):
            return self._texts.scalar(node, unit.column, indent + STEP)
        if unit.loose:
            return self._texts.as_it_was(node, indent - unit.column)
        return self._flow(node, path, indent, used, split=not _is_about_a_line(unit), item=unit.entry is None)

    def _flow(self, node: Node, path: Path, indent: int, used: int, *, split: bool, item: bool) -> list[str]:
        """A flow collection on one line, or on many if it is too long."""
        line = self._texts.flow(self._sorted(node, path))
        if used + len(line) <= WIDTH or not split or line in ("{}", "[]"):
            return [line]
        lines = list(self._split(node, path, indent + STEP))
        return [lines[0].lstrip(" "), *lines[1:]] if item else ["", *lines]

    def _split(self, node: Node, path: Path, indent: int) -> Iterator[str]:
        was_long = False
        for number, (sign, key, value) in enumerate(self._parts(self._sorted(node, path))):
            start = " " * indent + sign
            if isinstance(value, Scalar):
                first, *rest = self._texts.scalar(value, indent, indent + STEP)
            else:
                first, *rest = self._flow(value, (*path, key), indent, len(start) + 1, split=True, item=sign == "-")
            is_long = bool(rest) and not isinstance(value, Scalar)
            if number and self._is_airy(path) and (was_long or is_long):
                yield ""
            yield f"{start} {first}" if first else start
            yield from rest
            was_long = is_long

    def _parts(self, node: Node) -> Iterator[tuple[str, str, Node]]:
        if isinstance(node, Mapping):
            for entry in node.entries.values():
                yield f"{self._texts.key(entry.key_span)}:", entry.key, entry.node
        elif isinstance(node, Sequence):
            yield from (("-", "", item) for item in node.items)

    def _sorted(self, node: Node, path: Path) -> Node:
        """The same with the keys of tasks in their order."""
        if not self._workflow or not isinstance(node, Mapping):
            return node
        entries = ordered(path, list(node.entries.items()))
        return Mapping(
            span=node.span,
            entries={one.key: one._replace(node=self._sorted(one.node, (*path, one.key))) for one in entries},
        )


def _is_about_a_line(unit: Unit) -> bool:
    """Whether a comment may be about the one line that its value is: one behind it, or one for the linter above it."""
    return unit.head is not None or unit.tail is not None or any("headrace:" in comment.text for comment in unit.lead)


def _above(comments: Several[Comment], space: str) -> list[str]:
    lines: list[str] = []
    for comment in comments:
        if lines and comment.gap:
            lines.append("")
        lines.append(space + comment.text)
    return lines


def _with(line: str, comment: Comment | None, shift: int) -> str:
    """A line with the comment behind it, in the column it had if there is room."""
    return line if comment is None else line.ljust(max(comment.column + shift, len(line) + 2)) + comment.text
