"""Lets expressions that differ only in their numbers and texts share one parse: files repeat each other, and parsing is slow."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple, TypeAlias

from engine.core.values import Json
from engine.spec.cel_paths import children

Word: TypeAlias = int | str
"""The value of a literal."""

_LITERAL = re.compile(
    r"""
    ( (?<![\w.'"`]) (?: 0 | [1-9][0-9]{0,17} ) (?![\w.])
    | (?<![\w'"`]) (?: "[^"\\\r\n]*" | '[^'\\\r\n]*' ) (?!['"]) )
    """,
    re.VERBOSE,
)
"""One that means what it says and ends where it seems to: without point, prefix, escape and triple quotes."""
_PLAIN: dict[type[Word], str] = {int: "0", str: "''"}


class Shape(NamedTuple):
    """A source without its literals: the texts around them, one more than there are of these, and the type of each."""

    texts: tuple[str, ...]
    types: tuple[type[Word], ...]

    def plain(self) -> str:
        """The source of this shape with the shortest literals."""
        literals = [*(_PLAIN[each] for each in self.types), ""]
        return "".join(text + literal for text, literal in zip(self.texts, literals, strict=True))


class _Place(NamedTuple):
    """Where a node stands: behind so many literals, and so many characters besides."""

    literals: int
    characters: int


class _Value(NamedTuple):
    """The value of the literal that has so many before it."""

    literals: int


def cut(source: str) -> tuple[Shape, list[str]]:
    """The shape of a source, and its literals as they are written."""
    parts = _LITERAL.split(source)
    literals = parts[1::2]
    return Shape(tuple(parts[::2]), tuple([str if each[0] in "'\"" else int for each in literals])), literals


class Form:
    """The tree of every source of one shape: another number in the place of a number changes nothing else."""

    def __init__(self, shape: Shape, ast: Json) -> None:
        """From the tree of the plain source. Raises ValueError where a literal is no node of it, as in a comment."""
        self._types = shape.types
        self._before = list(accumulate([len(_PLAIN[each]) for each in shape.types], initial=0))
        texts = accumulate(map(len, shape.texts))
        self._starts = [text + before for text, before in zip(texts, self._before, strict=True)][:-1]
        self._nodes = {id(node) for node in _every(ast)}
        self._values: list[int] = []
        self._pattern = self._marked(ast)
        if sorted(self._values) != list(range(len(shape.types))):
            raise ValueError(shape)

    def tree(self, literals: Sequence[str]) -> Json:
        """The tree of the source with these literals."""
        values = [int(each) if kind is int else each[1:-1] for each, kind in zip(literals, self._types, strict=True)]
        return _filled(self._pattern, list(accumulate(map(len, literals), initial=0)), values)

    def _marked(self, part: Json) -> Json:
        """A part of the tree: a tuple with marks where it depends on the literals, as it is where nothing does."""
        if not isinstance(part, list):
            return part
        marked = [self._marked(each) for each in part]
        if id(part) in self._nodes:
            literals = bisect_left(self._starts, part[1])
            if literals:
                marked[1] = _Place(literals, part[1] - self._before[literals])
            if part[0] == "const" and part[1] in self._starts:
                marked[2] = _Value(literals)
                self._values.append(literals)
        return tuple(marked) if any(isinstance(each, tuple) for each in marked) else part


def _every(node: Json) -> Iterator[Json]:
    yield node
    for child in children(node):
        yield from _every(child)


def _filled(pattern: Json, before: Sequence[int], values: Sequence[Word]) -> Json:
    if not isinstance(pattern, tuple):
        return pattern
    filled = []
    for part in pattern:
        kind = type(part)
        if kind is tuple:
            filled.append(_filled(part, before, values))
        elif kind is _Place:
            filled.append(before[part.literals] + part.characters)
        else:
            filled.append(values[part.literals] if kind is _Value else part)
    return filled
