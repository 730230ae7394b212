"""Draws the edges of one list of tasks as rails, a row for each task, as `git log --graph` does: for terminals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.web.sketch import Node

UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8
MOST_LANES = 16
"""Rails beside each other that can be followed with the eye."""
FORK = ""
"""Where several tasks wait for nothing, what they all hang on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What rails are drawn with: a sign for each kind of task, and one for each set of directions."""

    rails: Mapping[int, str]
    kinds: Mapping[str, str]
    within: str
    """Beside what a task consists of."""

    def of(self, node: Node) -> str:
        """The sign of a task."""
        return self.kinds.get(node.kind, self.kinds[""])


UNICODE = Signs(
    rails={
        0: " ",
        UP | DOWN: "│",
        LEFT | RIGHT: "─",
        UP | DOWN | RIGHT: "├",
        UP | DOWN | LEFT: "┤",
        UP | DOWN | LEFT | RIGHT: "┼",
        UP | RIGHT: "╰",
        UP | LEFT: "╯",
        UP | LEFT | RIGHT: "┴",
        DOWN: "┬",
    },
    kinds={"": "●", "group": "■", "switch": "◇", "approval": "◆", "event": "○", "wait": "○", "workflow": "▲"},
    within="┊",
)
ASCII = Signs(
    rails={
        **dict.fromkeys(UNICODE.rails, "+"),
        0: " ",
        UP | DOWN: "|",
        LEFT | RIGHT: "-",
        UP | RIGHT: "`",
        UP | LEFT: "'",
    },
    kinds={"": "*", "group": "#", "switch": "?", "approval": "!", "event": "o", "wait": "o", "workflow": "^"},
    within=":",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of rails, those that go on below it, and the task in it, if there is one."""

    rails: str
    below: str = ""
    node: Node | None = None
    listed: bool = False
    """There are no rails here: what the task needs has to be told in words."""


def rows(nodes: Sequence[Node], signs: Signs) -> Iterator[Row]:
    """The rows of a list whose tasks stand after those they need, each followed by what it consists of.

    Where too many rails would run beside each other there are none.
    """
    rails = _Rails(nodes, signs)
    drawn = list(rails.rows(nodes))
    yield from drawn if rails.most <= MOST_LANES else _listed(nodes, signs)


def _listed(nodes: Sequence[Node], signs: Signs) -> Iterator[Row]:
    for node in nodes:
        yield Row(rails=signs.of(node), node=node, listed=True)
        yield from _within("", rows(node.inner, signs), signs)


def _within(below: str, inner: Iterable[Row], signs: Signs) -> Iterator[Row]:
    """The rows of what a task consists of, beside the rails that go on."""
    around = f"{below}{signs.within} "
    for row in inner:
        yield replace(row, rails=around + row.rails, below=around + row.below)


class _Rails:
    """`lanes`: for each column the task whose rail goes down in it, until the last of those that need it."""

    def __init__(self, nodes: Sequence[Node], signs: Signs) -> None:
        self._signs = signs
        roots = [node.id for node in nodes if not node.arrows]
        self._forks = len(roots) > 1
        self._left: dict[str, set[str]] = {FORK: set(roots)} if self._forks else {}
        for node in nodes:
            for arrow in node.arrows:
                self._left.setdefault(arrow.source, set()).add(node.id)
        self._lanes: list[str | None] = []
        self._above: int | None = None
        """The column of the task in the row above."""
        self.most = 0
        """The most columns that a row has had."""

    def rows(self, nodes: Sequence[Node]) -> Iterator[Row]:
        if self._forks:
            self._lanes.append(FORK)
            yield Row(rails=self._signs.rails[DOWN])
        for node in nodes:
            yield from self._rows(node)

    def _rows(self, node: Node) -> Iterator[Row]:
        sources = {arrow.source for arrow in node.arrows} or ({FORK} if self._forks else set())
        joined = {column for column, lane in enumerate(self._lanes) if lane in sources}
        for column in joined:
            self._left[str(self._lanes[column])].discard(node.id)
        ending = {column for column in joined if not self._left[str(self._lanes[column])]}
        at = min(ending) if ending else self._free(min(joined, default=-1) + 1)
        if at in ending and at == self._above:
            yield Row(rails=self._down())
        rails = self._across(node, at, joined, ending)
        for column in ending:
            self._lanes[column] = None
        self._lanes += [None] * (at + 1 - len(self._lanes))
        self._lanes[at] = node.id if self._left.get(node.id) else None
        self._above = at
        self.most = max(self.most, len(self._lanes))
        inset = max(at, self._open()) if node.inner else self._open()
        below = self._down().ljust(2 * inset)
        yield Row(rails=rails, below=below, node=node)
        if node.inner:
            self._above = None
            yield from _within(below, rows(node.inner, self._signs), self._signs)

    def _free(self, least: int) -> int:
        return next(
            (column for column, lane in enumerate(self._lanes) if lane is None and column >= least),
            max(least, len(self._lanes)),
        )

    def _open(self) -> int:
        """How many columns there are, up to the last that has a rail."""
        return max((column + 1 for column, lane in enumerate(self._lanes) if lane is not None), default=0)

    def _down(self) -> str:
        lanes = self._lanes[: self._open()]
        return " ".join(self._signs.rails[0 if lane is None else UP | DOWN] for lane in lanes)

    def _across(self, node: Node, at: int, joined: set[int], ending: set[int]) -> str:
        first, last = min({at, *joined}), max({at, *joined})
        text = ""
        for column in range(max(self._open(), at + 1)):
            flat = (LEFT if first < column <= last else 0) | (RIGHT if first <= column < last else 0)
            lane = self._lanes[column] if column < len(self._lanes) else None
            if column == at:
                text += self._signs.of(node)
            elif column in joined:
                text += self._signs.rails[flat | UP | (0 if column in ending else DOWN)]
            else:
                text += self._signs.rails[flat if lane is None else UP | DOWN]
            text += self._signs.rails[LEFT | RIGHT if flat & RIGHT else 0]
        return text.rstrip()
