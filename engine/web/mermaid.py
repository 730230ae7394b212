"""Draws a workflow as a mermaid flowchart, which code hosts show in comments and Markdown files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from engine.core.model import Definition
from engine.web.sketch import ADDED, CHANGED, MARKS, REMOVED, Node, Sketch, sketch
from engine.web.states import tone, words

LOOKS = {
    ADDED: ("#dafbe1", "#1a7f37", "#0b3d1c"),
    REMOVED: ("#ffebe9", "#cf222e", "#6b1016"),
    CHANGED: ("#fff8c5", "#9a6700", "#4d3300"),
    "good": ("#dafbe1", "#1a7f37", "#0b3d1c"),
    "bad": ("#ffebe9", "#cf222e", "#6b1016"),
    "busy": ("#ddf4ff", "#0969da", "#0a3069"),
    "wait": ("#fff8c5", "#9a6700", "#4d3300"),
    "calm": ("#eeeef5", "#565a78", "#2b2d42"),
    "off": ("#f6f8fa", "#8c959f", "#57606a"),
    "idle": ("#ffffff", "#8c959f", "#57606a"),
}
"""Marks and tones to the colours of ground, line and text. Of boxes only the line has one: they read in light and dark alike."""
DASHED = frozenset({REMOVED, "idle"})
SIGNS = {ADDED: "+ ", REMOVED: "− ", CHANGED: "± "}  # noqa: RUF001 - a minus as wide as the plus
"""Before the name, so that colour is not all that tells."""
SHAPES = {
    "switch": ("{", "}"),
    "approval": ("{{", "}}"),
    "workflow": ("[[", "]]"),
    "event": ("([", "])"),
    "wait": ("([", "])"),
}
PLAIN_ARROW, ADDED_ARROW, REMOVED_ARROW = "-->", "==>", "-.->"

_UNPRINTABLE = "#65533;"
_NOTHING = "#8203;"
"""A space without width: keeps formulas (`$$`) and icons (`fa:`) from being found where their signs are known again."""
_SAFE = re.compile(r"[A-Za-z0-9 _,./()-]")


def flowchart(
    definition: Definition, marks: Mapping[str, str] | None = None, *, before: Definition | None = None
) -> str:
    """The text of a flowchart. `marks` by path (ids joined by slashes, `deploy/roll`): `added`, `removed`, `changed`, or a state.

    With `before`, tasks and edges that only one of the two definitions has are drawn as added or removed without a mark.
    """
    return chart(sketch(definition, marks, before=before))


def chart(drawn: Sketch) -> str:
    """The text of a flowchart of what has been sketched."""
    return "\n".join(_Chart().lines(drawn)) + "\n"


class _Chart:
    """Gives each node an id that no author chose."""

    def __init__(self) -> None:
        self._count = 0
        self._looks: dict[tuple[str, bool], list[str]] = {}

    def lines(self, drawn: Sketch) -> Iterator[str]:
        yield "flowchart TD"
        yield from self._list(drawn.tasks, "  ")
        if drawn.finally_:
            yield '  subgraph finally["finally"]'
            yield from self._list(drawn.finally_, "    ")
            yield "  end"
        for (look, box), names in self._looks.items():
            called = f"{look}_box" if box else look
            yield f"  classDef {called} {_style(look, box=box)}"
            yield f"  class {','.join(names)} {called}"

    def _list(self, nodes: Sequence[Node], indent: str) -> Iterator[str]:
        names = {}
        for node in nodes:
            self._count += 1
            name = names[node.id] = f"t{self._count}"
            if node.mark:
                look = node.mark if node.mark in MARKS else tone(node.mark)
                self._looks.setdefault((look, bool(node.inner)), []).append(name)
            yield from self._node(name, node, indent)
        for node in nodes:
            for arrow in node.arrows:
                line = {ADDED: ADDED_ARROW, REMOVED: REMOVED_ARROW}.get(arrow.mark, PLAIN_ARROW)
                label = f'|"{_text(" / ".join(arrow.outcomes))}"|' if arrow.outcomes else ""
                yield f"{indent}{names[arrow.source]} {line}{label} {names[node.id]}"

    def _node(self, name: str, node: Node, indent: str) -> Iterator[str]:
        if not node.inner:
            left, right = SHAPES.get(node.kind, ("[", "]"))
            yield f'{indent}{name}{left}"{_label(node)}"{right}'
            return
        yield f'{indent}subgraph {name}["{_label(node)}"]'
        yield from self._list(node.inner, indent + "  ")
        yield f"{indent}end"


def _style(look: str, *, box: bool) -> str:
    ground, line, text = LOOKS[look]
    colours = f"fill:none,stroke:{line},stroke-width:2px" if box else f"fill:{ground},stroke:{line},color:{text}"
    return f"{colours},stroke-dasharray:5 3" if look in DASHED else colours


def _label(node: Node) -> str:
    """A line for the name, one for what it is, and one for each way in which it is special; a box has one line in all."""
    state = words(node.mark) if node.mark and node.mark not in MARKS else ""
    lines = [SIGNS.get(node.mark, "") + node.id, *filter(None, [node.what, *node.ways, state])]
    return (", " if node.inner else "<br/>").join(map(_text, lines))


def _text(text: str) -> str:
    """Text in which nothing means anything to mermaid, Markdown or HTML: all but plain characters by their numbers."""
    line = " ".join(text.split())
    return "".join(_letter(letter, first=place == 0) for place, letter in enumerate(line))


def _letter(letter: str, *, first: bool) -> str:
    if _SAFE.fullmatch(letter) and not (first and not letter.isalpha()):
        return letter
    if not letter.isprintable():
        return _UNPRINTABLE
    return f"#{ord(letter)};" + (_NOTHING if letter in "$:" else "")
