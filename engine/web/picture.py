"""The picture of all tasks: the lists of tasks in each other as boxes, items of one task as small ones in rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from engine.app.read import TaskView
from engine.core.keys import COMPENSATE, ROOT
from engine.web.nesting import Body, Part, interesting
from engine.web.render import anchor
from engine.web.states import sign, tone, words
from engine.web.svg import number, one_list, state_text

MARGIN = 6.0
TITLE = 34.0
"""Height of the line with a box's title."""
PADDING = 16.0
GAP = 16.0
BAND_GAP = 38.0
"""Space above `finally`, with its label in it."""
WIDE = 860.0
"""How wide boxes beside each other may get, if nothing else is wider."""
MOST_BOXES, MOST_PLANNED = 12, 60
"""Boxes that are drawn of an instance, of a workflow."""
MOST_CHIPS = 48
CHIP_HEIGHT, CHIP_GAP, CHIP_LETTER, BESIDE_CHIP = 28.0, 8.0, 7.2, 40.0
NARROWEST_CHIP, WIDEST_CHIP = 60.0, 260.0
NOTE = 22.0
HEADING_LETTER = 7.4

Drawn = tuple[Markup, float, float]
"""What is drawn, its width and its height."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The picture, and the paths of the tasks in it."""

    drawing: Markup
    tasks: Collection[str]


def picture(tops: Sequence[Part], *, ran: bool = True) -> Picture:
    """All lists, those of an instance's own tasks and its `finally` below each other. If it `ran`, a task is a link to its row."""
    drawer = _Drawer(_chosen(tops, MOST_BOXES if ran else MOST_PLANNED), ran=ran)
    parts: list[Markup] = []
    width = top = 0.0
    for part in tops:
        if part.path != ROOT:
            top += BAND_GAP
            parts.append(Markup('<text class="band" x="0" y="{}">{}</text>').format(number(top - 14), part.path))
        drawn, wide, high = drawer.part(part)
        parts.append(_at(0, top, drawn))
        width, top = max(width, wide), top + high
    box = f"{-MARGIN:g} {-MARGIN:g} {number(width + 2 * MARGIN)} {number(top + 2 * MARGIN)}"
    size = (number(width + 2 * MARGIN), number(top + 2 * MARGIN))
    shown = Markup(
        '<svg class="dag" viewBox="{}" width="{}" height="{}" role="group" aria-label="Tasks">{}</svg>'
    ).format(box, *size, Markup("").join(parts))
    return Picture(drawing=shown, tasks=frozenset(drawer.tasks))


def _chosen(tops: Sequence[Part], most: int) -> frozenset[str]:
    """The boxes that are drawn: those with something that runs or has failed, then the newest, within those around them."""
    around: dict[str, tuple[str, ...]] = {}
    wanted = []
    for key, rank, since, above in _boxes(tops, ()):
        around[key] = above
        wanted.append((rank, since, key))
    chosen: dict[str, None] = {}
    for key in interesting(wanted):
        more = [one for one in (*around[key], key) if one not in chosen]
        if len(chosen) + len(more) <= most:
            chosen |= dict.fromkeys(more)
    return frozenset(chosen)


def _boxes(parts: Sequence[Part], above: tuple[str, ...]) -> Iterator[tuple[str, int, int, tuple[str, ...]]]:
    """Each box that could be drawn, with what it is chosen by and the boxes around it."""
    for body in (body for part in parts for bodies in part.bodies.values() for body in bodies if not body.undoes):
        if body.leaf:
            yield body.key, body.rank, body.since, above
            yield from _boxes(body.parts, (*above, body.key))
            continue
        for part in body.parts:
            yield part.path, part.rank, part.since, above
            yield from _boxes([part], (*above, part.path))


class _Drawer:
    def __init__(self, chosen: frozenset[str], *, ran: bool) -> None:
        self._chosen = chosen
        self._ran = ran
        self.tasks: set[str] = set()

    def part(self, part: Part) -> Drawn:
        """A list, and below it what its tasks consist of."""
        texts = {view.path: self._text(view, part.bodies.get(view.path, ())) for view in part.views}
        self.tasks.update(texts)
        drawn, width, height = one_list(part.views, texts, ran=self._ran)
        return _below(drawn, width, height, self._boxes([part]))

    def _boxes(self, parts: Sequence[Part]) -> list[Drawn]:
        """What the tasks of these lists consist of, and in one box what undid them."""
        bodies = [body for part in parts for found in part.bodies.values() for body in found]
        boxes = [box for body in bodies if not body.undoes for box in self._body(body)]
        undoing = [part for body in bodies if body.undoes for part in body.parts]
        if undoing and self._ran:
            above = parts[0].path if len(parts) == 1 else ""
            labels = [_within(part.path.removesuffix(f"/{COMPENSATE}"), above) for part in undoing]
            done = all(part.views[0].finished_at is not None for part in undoing)
            more = len(undoing) - MOST_CHIPS
            note = f"{more:,} more are not drawn" if more > 0 else ""
            boxes.append(self._chips("undone" if done else "undoing", undoing[:MOST_CHIPS], labels[:MOST_CHIPS], note))
        return boxes

    def _text(self, view: TaskView, bodies: Sequence[Body]) -> str:
        return state_text(view) if self._ran else plan_text(view, bodies)

    def _body(self, body: Body) -> Iterator[Drawn]:
        if body.leaf:
            if self._ran and body.key in self._chosen:
                yield self._gathered(body)
            return
        shown = [part for part in body.parts if part.path in self._chosen]
        for part in shown:
            state = part.state if self._ran and not body.group else ""
            yield _box(self._title(body, part), state, self.part(part))
        if shown and (note := _left(body, len(shown))):
            yield _note(f"of {body.task.id} {note}")

    def _title(self, body: Body, part: Part) -> str:
        if self._ran:
            return _within(part.path, body.task.scope)
        way = {"for_each": "for each item", "repeat": "repeated"}.get(body.task.kind, "")
        return f"{body.task.id} · {way}" if way else body.task.id

    def _gathered(self, body: Body) -> Drawn:
        """The items of a task, or its iterations: of many those that run or failed, then the first or the newest."""
        newest = body.task.iterations is not None
        best = interesting((part.rank, part.since if newest else 0, part) for part in body.parts)
        kept = {part.path for part in best[:MOST_CHIPS]}
        shown = [part for part in body.parts if part.path in kept]
        labels = [_short(part.views[0], body) for part in shown]
        return self._chips(body.task.id, shown, labels, _left(body, len(shown)))

    def _chips(self, title: str, parts: Sequence[Part], labels: Sequence[str], note: str) -> Drawn:
        """Tasks without edges as small nodes in rows; below them what is within them."""
        wide = min(max([NARROWEST_CHIP, *(len(label) * CHIP_LETTER + BESIDE_CHIP for label in labels)]), WIDEST_CHIP)
        columns = max(int((WIDE + CHIP_GAP) // (wide + CHIP_GAP)), 1)
        drawn = []
        for place, (part, label) in enumerate(zip(parts, labels, strict=True)):
            row, column = divmod(place, columns)
            [view] = part.views
            self.tasks.add(view.path)
            drawn.append(_at(column * (wide + CHIP_GAP), row * (CHIP_HEIGHT + CHIP_GAP), _chip(view, label, wide)))
        rows = -(-len(parts) // columns)
        width = min(len(parts), columns) * (wide + CHIP_GAP) - CHIP_GAP
        height = rows * (CHIP_HEIGHT + CHIP_GAP) - CHIP_GAP
        boxes = self._boxes(parts)
        if note:
            boxes.insert(0, _note(note))
        return _box(title, "", _below(Markup("").join(drawn), width, height, boxes))


def _chip(view: TaskView, label: str, wide: float) -> Markup:
    return Markup(
        '<g class="node chip {tone}" data-task="{path}" data-state="{state}"><a href="#{anchor}"><title>{path}: {words}</title>'
        '<rect width="{wide}" height="{high}" rx="7"/><g class="sign" transform="translate(8 7) scale(.875)">'
        '<circle cx="8" cy="8" r="7.25"/><path d="{sign}"/></g><text class="name" x="28" y="18.5">{label}</text></a></g>'
    ).format(
        tone=tone(view.state),
        path=view.path,
        state=view.state,
        anchor=anchor(view.path),
        words=words(view.state),
        wide=number(wide),
        high=number(CHIP_HEIGHT),
        sign=sign(view.state),
        label=_cut(label, int((wide - BESIDE_CHIP) // CHIP_LETTER) + 1),
    )


def plan_text(view: TaskView, bodies: Sequence[Body]) -> str:
    """The line below the name of a task that has not run: what it is, how often, and whether it can be undone."""
    kind, ways = view.kind, []
    own: Sequence[Body] = bodies
    while inner := next((body for body in own if not body.undoes), None):
        ways += [{"for_each": "for each item", "repeat": "repeated"}.get(kind, "")]
        if not inner.leaf:
            kind = ""
            break
        kind = inner.parts[0].views[0].kind
        own = inner.parts[0].bodies.get(inner.parts[0].path, ())
    ways += ["can be undone" for body in (*bodies, *own) if body.undoes]
    return ", ".join(dict.fromkeys(word for word in (kind, *ways) if word)) or view.kind


def _left(body: Body, drawn: int) -> str:
    """How many of the parts of a task are not in the picture, and why."""
    more = body.total - drawn
    said = [f"{more:,} more {'is' if more == 1 else 'are'} not drawn"] if more else []
    return ", ".join([*said, body.unstarted] if body.unstarted else said)


def _within(path: str, scope: str) -> str:
    """A path as it is called within a scope, in whose box it stands."""
    return path.removeprefix(f"{scope}/") if scope else path


def _short(view: TaskView, body: Body) -> str:
    """What tells an item from its siblings: its key, or the number of an iteration."""
    own = view.path.removeprefix(body.task.path)
    label = own[1:-1] if own.startswith("[") else own
    return f"{label} · {view.iterations['number']}" if view.iterations is not None else label


def _box(title: str, state: str, inner: Drawn) -> Drawn:
    """A list with a frame around it and its title above it."""
    drawn, width, height = inner
    said = f"{title}  {words(state)}" if state else title
    wide = max(width, len(said) * HEADING_LETTER) + 2 * PADDING
    high = height + TITLE + PADDING
    frame = Markup(
        '<rect class="frame" width="{}" height="{}" rx="10"/><text class="band" x="{}" y="22">{}</text>'
    ).format(number(wide), number(high), number(PADDING), title)
    if state:
        frame += Markup('<text class="how {}" x="{}" y="22" text-anchor="end">{}</text>').format(
            tone(state), number(wide - PADDING), words(state)
        )
    return Markup("").join([frame, _at(PADDING, TITLE, drawn)]), wide, high


def _note(text: str) -> Drawn:
    return Markup('<text class="note" y="14">{}</text>').format(text), len(text) * 6.4, NOTE


def _below(drawn: Markup, width: float, height: float, boxes: Sequence[Drawn]) -> Drawn:
    """Boxes below a list, beside each other as long as there is room."""
    parts, most = [drawn], max(width, WIDE)
    left, top, row = 0.0, height + GAP, 0.0
    for box, wide, high in boxes:
        if left and (left + wide > most or NOTE in (high, row)):
            left, top, row = 0.0, top + row + GAP, 0.0
        parts.append(_at(left, top, box))
        width, row = max(width, left + wide), max(row, high)
        left += wide + GAP
    return Markup("").join(parts), width, top + row if boxes else height


def _at(left: float, top: float, drawn: Markup) -> Markup:
    return Markup('<g transform="translate({} {})">{}</g>').format(number(left), number(top), drawn)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - most // 3 - 1]}…{text[-(most // 3) :]}"
