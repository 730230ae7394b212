"""Draws one list of tasks as SVG, its edges among them: one `[data-task][data-state]` for each task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from markupsafe import Markup

from engine.app.read import TaskView
from engine.core.outcomes import DONE, RESERVED, positive
from engine.core.state import PENDING, ItemsRun
from engine.web.layout import Box, layout
from engine.web.render import anchor
from engine.web.states import sign, tone, words
from engine.web.times import duration

LETTER = 8.4
"""About how wide a letter of a name is, in pixels at the size it is drawn in."""
NARROWEST, WIDEST = 172.0, 252.0
BESIDE_NAME = 48.0
SMALL_LETTER = 6.4
STATE_LETTER = 6.6
BESIDE_LABEL = 26.0
ICON = 24.0
"""Room for the sign of a task with tasks in it."""
ICONS = {
    "group": "M1 3.5h4l1.5 2H13V12H1z",
    "for_each": "M1 1.5h9v7H1zM4 11.5h9v-7",
    "repeat": "M11.6 4.6A5.2 5.2 0 1 0 12.2 8M12 1.5v3.3H8.7",
    "workflow": "M4 10 11 3M5.5 3H11v5.5",
}
"""Kinds of tasks that consist of others, or start another workflow, to the strokes of a sign of 14 by 14."""


def one_list(views: Sequence[TaskView], texts: Mapping[str, str], *, ran: bool) -> tuple[Markup, float, float]:
    """The tasks of one list and their edges, with the width and the height of it. `texts`: the line below each name, by path."""
    by_id = {view.id: view for view in views}
    labels: dict[tuple[str, str], list[str]] = {}
    for view in views:
        for edge in view.edges:
            labels.setdefault((edge.source, view.id), []).append(edge.outcome)
    said = {pair: _label(by_id[pair[0]], outcomes) for pair, outcomes in labels.items()}
    rooms = {pair: len(text) * SMALL_LETTER + BESIDE_LABEL if text else 0.0 for pair, text in said.items()}
    placed = layout({view.id: _width(view, texts[view.path]) for view in views}, rooms)
    lines = (_line(_taken(by_id[a], by_id[b], labels[a, b]), points) for (a, b), points in placed.routes.items())
    plates = (_plate(said[pair], points) for pair, points in placed.routes.items() if said[pair])
    nodes = (_node(view, texts[view.path], placed.boxes[view.id], ran=ran) for view in views)
    return Markup("").join([*lines, *plates, *nodes]), placed.width, placed.height


def _node(view: TaskView, text: str, box: Box, *, ran: bool) -> Markup:
    label = f"{view.path}: {words(view.state)}"
    shape = Markup(
        '<title>{label}</title>{behind}<rect width="{width}" height="{height}" rx="8"/>'
        '<g class="sign" transform="translate(12 {middle})"><circle cx="8" cy="8" r="7.25"/><path d="{sign}"/></g>'
        '<text class="name" x="38" y="{first}">{name}</text><text class="state" x="38" y="{second}">{state}</text>{icon}'
    ).format(
        label=label,
        behind=_behind(box) if view.kind == "for_each" else "",
        icon=_icon(view.kind, box),
        width=number(box.width),
        height=number(box.height),
        middle=number(box.height / 2 - 8),
        first=number(box.height / 2 - 4),
        second=number(box.height / 2 + 12.5),
        sign=sign(view.state),
        name=_fit(view.id, box.width - (ICON if view.kind in ICONS else 0.0)),
        state=text,
    )
    if ran:
        shape = Markup('<a href="#{}">{}</a>').format(anchor(view.path), shape)
    look = "plan" if not ran else f"{tone(view.state)} undone" if view.undone else tone(view.state)
    return Markup('<g class="node {}" data-task="{}" data-state="{}" transform="translate({} {})">{}</g>').format(
        look, view.path, view.state, number(box.x), number(box.y), shape
    )


def _behind(box: Box) -> Markup:
    """The edge of a second card: there are many of these."""
    return Markup('<rect class="behind" x="5" y="5" width="{}" height="{}" rx="8"/>').format(
        number(box.width), number(box.height)
    )


def _icon(kind: str, box: Box) -> Markup:
    if kind not in ICONS:
        return Markup()
    place = (number(box.width - ICON), number(box.height / 2 - 16.5))
    return Markup('<path class="icon" transform="translate({} {})" d="{}"/>').format(*place, ICONS[kind])


def _line(taken: str, points: Sequence[tuple[float, float]]) -> Markup:
    return Markup('<path class="edge {}" d="{}"/>').format(taken, _curve(points))


def _plate(text: str, points: Sequence[tuple[float, float]]) -> Markup:
    """A label in the middle of the first stretch of an edge, which it interrupts; drawn above all lines."""
    x, y = (points[0][0] + points[1][0]) / 2, (points[0][1] + points[1][1]) / 2
    wide = len(text) * SMALL_LETTER + 8
    return Markup(
        '<rect class="plate" x="{}" y="{}" width="{}" height="16" rx="4"/><text class="via" x="{}" y="{}">{}</text>'
    ).format(number(x - wide / 2), number(y - 8), number(wide), number(x), number(y + 4), text)


def _label(source: TaskView, outcomes: Sequence[str]) -> str:
    """What stands at an edge: nothing where it is the outcome that everybody expects."""
    return " / ".join(words(outcome) for outcome in outcomes if outcome != positive(source.kind))


def _taken(source: TaskView, target: TaskView, labels: Sequence[str]) -> str:
    """Whether the task went this way: `taken`, `untaken`, or `open` while nobody knows."""
    if source.finished_at is None and source.state not in {"skipped", "cancelled"}:
        return "open"
    satisfied = source.state in labels or DONE in labels
    return "taken" if satisfied and target.state not in {"skipped", PENDING} else "open" if satisfied else "untaken"


def _curve(points: Sequence[tuple[float, float]]) -> str:
    def steps() -> Iterator[str]:
        for (x0, y0), (x1, y1) in pairwise(points):
            middle, end = number((x0 + x1) / 2), f"{number(x1)} {number(y1)}"
            yield f"L{end}" if y0 == y1 else f"C{middle} {number(y0)} {middle} {number(y1)} {end}"

    return f"M{number(points[0][0])} {number(points[0][1])}" + "".join(steps())


def state_text(view: TaskView) -> str:
    """The line below the name of a task that has run or may still: how it is, how far, how long it took."""
    state = (
        f"case {words(view.state)}"
        if view.kind == "switch" and view.finished_at and is_case(view)
        else words(view.state)
    )
    took = (view.finished_at or 0) - (view.began_at or 0)
    said = [state]
    if view.items is not None:
        said.append(items_text(view.items))
    elif view.iterations is not None and view.iterations["number"]:
        count = view.iterations["number"]
        ended = "1 iteration" if count == 1 else f"{count} iterations"
        said.append(ended if view.finished_at else f"iteration {count}")
    elif took > 0 and view.began_at:
        said.append(duration(took))
    if view.undone:
        said.append("undone")
    elif view.held:
        said.append("held")
    elif view.cached:
        said.append("cached")
    return " · ".join(said)


def is_case(view: TaskView) -> bool:
    """Whether the switch took one of its cases."""
    return view.state not in RESERVED


def items_text(items: ItemsRun) -> str:
    """`3 of 10 items`, with those that did not end well."""
    settled = items["succeeded"] + items["failed"]
    failed = f", {items['failed']:,} not well" if items["failed"] else ""
    return f"{settled:,} of {items['total']:,} items{failed}"


def _width(view: TaskView, text: str) -> float:
    beside = BESIDE_NAME + (ICON if view.kind in ICONS else 0.0)
    name = min(max(len(view.id) * LETTER + beside, NARROWEST), WIDEST)
    return max(name, len(text) * STATE_LETTER + BESIDE_NAME)


def _fit(name: str, width: float) -> str:
    """A name that is too long loses its middle: what tells such names apart stands at their ends."""
    room = round((width - BESIDE_NAME) / LETTER)
    if len(name) <= room:
        return name
    tail = room // 3
    return f"{name[: room - tail - 1]}…{name[-tail:]}"


def number(value: float) -> str:
    """A length as short as it can be told."""
    return f"{value:.1f}".removesuffix(".0")
