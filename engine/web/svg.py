"""Draws the tasks of an instance (or of a workflow that has not run) as SVG: one `[data-task][data-state]` for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from markupsafe import Markup

from engine.app.read import PENDING, TaskView
from engine.core.outcomes import DONE, positive
from engine.web.layout import Box, layout
from engine.web.render import anchor
from engine.web.states import sign, tone, words
from engine.web.times import duration

MARGIN = 3.0
LETTER = 8.4
"""About how wide a letter of a name is, in pixels at the size it is drawn in."""
NARROWEST, WIDEST = 172.0, 252.0
BESIDE_NAME = 48.0
SMALL_LETTER = 6.4
BESIDE_LABEL = 26.0
BAND_GAP = 38.0
"""Space above `finally`, with its label in it."""


def dag(views: Sequence[TaskView], *, ran: bool = True) -> Markup:
    """The picture of all scopes, one below the other. If it `ran`, each task is a link to its row."""
    parts: list[Markup] = []
    width = top = 0.0
    for scope in dict.fromkeys(view.scope for view in views):
        if scope:
            top += BAND_GAP
            parts.append(Markup('<text class="band" x="0" y="{}">{}</text>').format(_n(top - 14), scope))
        drawn, wide, high = _scope([view for view in views if view.scope == scope], ran=ran)
        parts.append(Markup('<g transform="translate(0 {})">{}</g>').format(_n(top), drawn))
        width, top = max(width, wide), top + high
    box = f"{-MARGIN:g} {-MARGIN:g} {_n(width + 2 * MARGIN)} {_n(top + 2 * MARGIN)}"
    size = (_n(width + 2 * MARGIN), _n(top + 2 * MARGIN))
    return Markup(
        '<svg class="dag" viewBox="{}" width="{}" height="{}" role="group" aria-label="Tasks">{}</svg>'
    ).format(box, *size, Markup("").join(parts))


def _scope(views: Sequence[TaskView], *, ran: bool) -> tuple[Markup, float, float]:
    by_id = {view.id: view for view in views}
    labels: dict[tuple[str, str], list[str]] = {}
    for view in views:
        for edge in view.edges:
            labels.setdefault((edge.source, view.id), []).append(edge.outcome)
    texts = {pair: _label(by_id[pair[0]], outcomes) for pair, outcomes in labels.items()}
    rooms = {pair: len(text) * SMALL_LETTER + BESIDE_LABEL if text else 0.0 for pair, text in texts.items()}
    placed = layout({view.id: _width(view.id) for view in views}, rooms)
    lines = (_line(_taken(by_id[a], by_id[b], labels[a, b]), points) for (a, b), points in placed.routes.items())
    plates = (_plate(texts[pair], points) for pair, points in placed.routes.items() if texts[pair])
    nodes = (_node(view, placed.boxes[view.id], ran=ran) for view in views)
    return Markup("").join([*lines, *plates, *nodes]), placed.width, placed.height


def _node(view: TaskView, box: Box, *, ran: bool) -> Markup:
    label = f"{view.path}: {words(view.state)}"
    shape = Markup(
        '<title>{label}</title><rect width="{width}" height="{height}" rx="8"/>'
        '<g class="sign" transform="translate(12 {middle})"><circle cx="8" cy="8" r="7.25"/><path d="{sign}"/></g>'
        '<text class="name" x="38" y="{first}">{name}</text><text class="state" x="38" y="{second}">{state}</text>'
    ).format(
        label=label,
        width=_n(box.width),
        height=_n(box.height),
        middle=_n(box.height / 2 - 8),
        first=_n(box.height / 2 - 4),
        second=_n(box.height / 2 + 12.5),
        sign=sign(view.state),
        name=_fit(view.id, box.width),
        state=_below(view) if ran else view.kind,
    )
    if ran:
        shape = Markup('<a href="#{}">{}</a>').format(anchor(view.path), shape)
    return Markup('<g class="node {}" data-task="{}" data-state="{}" transform="translate({} {})">{}</g>').format(
        tone(view.state) if ran else "plan", view.path, view.state, _n(box.x), _n(box.y), shape
    )


def _line(taken: str, points: Sequence[tuple[float, float]]) -> Markup:
    return Markup('<path class="edge {}" d="{}"/>').format(taken, _curve(points))


def _plate(text: str, points: Sequence[tuple[float, float]]) -> Markup:
    """A label in the middle of the first stretch of an edge, which it interrupts; drawn above all lines."""
    x, y = (points[0][0] + points[1][0]) / 2, (points[0][1] + points[1][1]) / 2
    wide = len(text) * SMALL_LETTER + 8
    return Markup(
        '<rect class="plate" x="{}" y="{}" width="{}" height="16" rx="4"/><text class="via" x="{}" y="{}">{}</text>'
    ).format(_n(x - wide / 2), _n(y - 8), _n(wide), _n(x), _n(y + 4), text)


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
            middle = (x0 + x1) / 2
            yield (
                f"L{_n(x1)} {_n(y1)}" if y0 == y1 else f"C{_n(middle)} {_n(y0)} {_n(middle)} {_n(y1)} {_n(x1)} {_n(y1)}"
            )

    return f"M{_n(points[0][0])} {_n(points[0][1])}" + "".join(steps())


def _below(view: TaskView) -> str:
    took = (view.finished_at or 0) - (view.began_at or 0)
    return f"{words(view.state)} · {duration(took)}" if took > 0 and view.began_at else words(view.state)


def _width(name: str) -> float:
    return min(max(len(name) * LETTER + BESIDE_NAME, NARROWEST), WIDEST)


def _fit(name: str, width: float) -> str:
    """A name that is too long loses its middle: what tells such names apart stands at their ends."""
    room = round((width - BESIDE_NAME) / LETTER)
    if len(name) <= room:
        return name
    tail = room // 3
    return f"{name[: room - tail - 1]}…{name[-tail:]}"


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
