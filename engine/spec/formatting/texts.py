"""How values are written: quotes only of one kind, flow collections on one line, block texts under their key."""

from __future__ import annotations

import json
import re

from engine.spec.formatting.units import Unformattable
from engine.spec.nodes import Mapping, Node, Scalar, Span

STEP = 2
"""Columns that each level is further in."""
_TWICE, _ONCE = "''", "'"
_HEADER = re.compile(r"([|>])([-+]?)([1-9]?)([-+]?)([ \t]+#.*)?")


class Texts:
    """Writes values of one file, whose text it has."""

    def __init__(self, text: str) -> None:
        self._text = text

    def key(self, span: Span) -> str:
        """A key, with quotes of the one kind if it has any."""
        written = self._text[span.start : span.end]
        return _requoted(written) if written.startswith("'") else written

    def flow(self, node: Node) -> str:
        """A value on one line."""
        if isinstance(node, Scalar):
            return self._short(node)
        if isinstance(node, Mapping):
            entries = (f"{self.key(entry.key_span)}: {self.flow(entry.node)}" for entry in node.entries.values())
            return f"{{{', '.join(entries)}}}"
        return f"[{', '.join(self.flow(item) for item in node.items)}]"

    def scalar(self, node: Scalar, column: int, indent: int) -> list[str]:
        """A text on its own: its first line, and those below it, `indent` in. `column`: that of what is around it.

        Raises Unformattable.
        """
        written = self._written(node)
        if node.style in ("|", ">"):
            return _block(written, column, indent)
        if "\n" not in written:
            return [_requoted(written) if node.style == "'" else written]
        first, *rest = written.split("\n")
        space = " " * indent
        return [first.rstrip(), *(space + line.strip() if line.strip() else "" for line in rest)]

    def as_it_was(self, node: Node, shift: int) -> list[str]:
        """The author's lines, moved to the side."""
        first, *rest = self._written(node).split("\n")
        return [first.rstrip(), *(_shifted(line, shift) for line in rest)]

    def _written(self, node: Node) -> str:
        return self._text[node.span.start : node.span.end]

    def _short(self, node: Scalar) -> str:
        written = self._written(node)
        if not written:
            return "null"
        if "\n" in written:
            return json.dumps(node.text, ensure_ascii=False)
        return _requoted(written) if node.style == "'" else written


def _block(written: str, column: int, indent: int) -> list[str]:
    """A block text: its sign, and its lines."""
    sign, *lines = written.split("\n")
    header = _HEADER.fullmatch(sign.rstrip())
    if header is None:
        raise Unformattable("a block text begins in a way that is not known")
    folded, chomp, digit, other, comment = (part or "" for part in header.groups())
    if "+" in chomp + other:
        raise Unformattable("a block text keeps the empty lines at its end")
    own = column + int(digit) if digit else _indent(lines)
    shifted = [" " * indent + line[own:] if line[own:] else "" for line in lines]
    while shifted and not shifted[-1]:
        shifted.pop()
    return [f"{folded}{STEP if digit else ''}{chomp or other}{comment}", *shifted]


def _indent(lines: list[str]) -> int:
    """How far in the first line with something in it is."""
    return next((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), 0)


def _shifted(line: str, shift: int) -> str:
    text = line.strip()
    return " " * max(len(line) - len(line.lstrip(" ")) + shift, 0) + text if text else ""


def _requoted(written: str) -> str:
    """A text in single quotes in double ones, where these need no escapes."""
    inside = written[1:-1]
    plain = "\n" not in written and '"' not in inside and "\\" not in inside and inside.isprintable()
    return f'"{inside.replace(_TWICE, _ONCE)}"' if plain else written
