"""Draws a workflow in text, for terminals: rails, the name of each task beside them, and what there is to say of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap

from engine.core.keys import FINALLY
from engine.web.rails import Row, Signs, rows
from engine.web.sketch import Node, Sketch
from engine.web.states import words

WIDEST_NAME = 40
"""Columns of rails and name, beyond which a longer one pushes its own text to the right."""
NARROWEST_TEXT = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line in the parts that a terminal shows in different ways."""

    rails: str = ""
    name: str = ""
    text: str = ""
    state: str = ""
    """Of the task, if it has one."""


def lines(drawn: Sketch, signs: Signs, width: int) -> Iterator[Line]:
    """The lines of a drawing that is `width` columns wide, where no name or single word is wider."""
    lists = [list(rows(nodes, signs)) for nodes in (drawn.tasks, drawn.finally_) if nodes]
    named = [len(row.rails) + 1 + len(row.node.id) for found in lists for row in found if row.node is not None]
    left = min(max(named, default=0), WIDEST_NAME) + 2
    for number, found in enumerate(lists):
        if number:
            yield Line()
            yield Line(name=FINALLY)
        for row in found:
            yield from _row(row, left, width)


def _row(row: Row, left: int, width: int) -> Iterator[Line]:
    if row.node is None:
        yield Line(rails=row.rails)
        return
    used = len(row.rails) + 1 + len(row.node.id)
    texts = wrap(_text(row.node, listed=row.listed), max(width - left, NARROWEST_TEXT), break_long_words=False) or [""]
    space = " " * max(left - used, 2) if texts[0] else ""
    yield Line(rails=f"{row.rails} ", name=row.node.id, text=space + texts[0], state=row.node.mark)
    for text in texts[1:]:
        yield Line(rails=row.below.ljust(left), text=text, state=row.node.mark)


def _text(node: Node, *, listed: bool) -> str:
    what = node.what or ("" if node.ways else "group")
    said = ", ".join(filter(None, [what, words(node.mark), *node.ways]))
    edges = [
        f"{arrow.source}.{outcome}" if outcome else arrow.source
        for arrow in node.arrows
        for outcome in (arrow.outcomes or (("",) if listed else ()))
    ]
    return f"{said}  {'needs' if listed else 'on'} {', '.join(edges)}" if edges else said
