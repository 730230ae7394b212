"""Places the tasks of a DAG in layers from left to right (Sugiyama, Tagawa and Toda 1981), so that few edges cross.

Layers by longest path; long edges get a waypoint in each layer they pass; order by sweeps of barycentres; positions by
isotonic regression, which moves every node as near to its neighbours as the gaps allow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 8
NODE_HEIGHT = 46.0
NODE_GAP = 18.0
WAYPOINT_HEIGHT = 10.0
LAYER_GAP = 46.0

Slot = tuple[str, str, int]
"""A node `(id, "", 0)`, or the waypoint of edge (source, target) in a layer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A node's place; `x`, `y` are its upper left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Boxes by node, and for each edge the points it goes through, from the right of its source to the left of its target."""

    boxes: Mapping[str, Box]
    routes: Mapping[tuple[str, str], tuple[tuple[float, float], ...]]
    width: float
    height: float


def layout(widths: Mapping[str, float], edges: Mapping[tuple[str, str], float]) -> Layout:
    """Place nodes, given with their widths in an order in which each stands after those it needs.

    An edge comes with the room that its label needs in the gap right of its source.
    """
    if not widths:
        return Layout(boxes={}, routes={}, width=0, height=0)
    level = _levels(widths, edges)
    layers, chains = _with_waypoints(level, edges)
    links = [pair for chain in chains.values() for pair in pairwise(chain)]
    layers = _ordered(layers, links)
    centre = _heights(layers, links)
    left, column = 0.0, []
    for number, layer in enumerate(layers):
        wide = max((widths[slot[0]] for slot in layer if not slot[1]), default=0.0)
        column.append((left, wide))
        left += wide + max([LAYER_GAP, *(room for (source, _), room in edges.items() if level[source] == number)])
    boxes = {
        name: Box(
            x=column[level[name]][0],
            y=centre[name, "", 0] - NODE_HEIGHT / 2,
            width=column[level[name]][1],
            height=NODE_HEIGHT,
        )
        for name in widths
    }
    routes = {edge: tuple(_points(chain, boxes, column, centre)) for edge, chain in chains.items()}
    height = max(box.y + box.height for box in boxes.values())
    lowest = max((y for route in routes.values() for _, y in route), default=0.0)
    return Layout(
        boxes=boxes, routes=routes, width=column[-1][0] + column[-1][1], height=max(height, lowest + WAYPOINT_HEIGHT)
    )


def _levels(nodes: Mapping[str, float], edges: Iterable[tuple[str, str]]) -> dict[str, int]:
    before: dict[str, list[str]] = {node: [] for node in nodes}
    for source, target in edges:
        before[target].append(source)
    level: dict[str, int] = {}
    for node in nodes:
        level[node] = 1 + max((level[source] for source in before[node]), default=-1)
    return level


def _with_waypoints(
    level: Mapping[str, int], edges: Iterable[tuple[str, str]]
) -> tuple[list[list[Slot]], dict[tuple[str, str], list[Slot]]]:
    layers: list[list[Slot]] = [[] for _ in range(max(level.values()) + 1)]
    for node, number in level.items():
        layers[number].append((node, "", 0))
    chains: dict[tuple[str, str], list[Slot]] = {}
    for source, target in edges:
        between: list[Slot] = [(source, target, number) for number in range(level[source] + 1, level[target])]
        for slot in between:
            layers[slot[2]].append(slot)
        chains[source, target] = [(source, "", 0), *between, (target, "", 0)]
    return layers, chains


def _ordered(layers: list[list[Slot]], links: Sequence[tuple[Slot, Slot]]) -> list[list[Slot]]:
    before, after = _neighbours(links)
    best, fewest = layers, _crossings(layers, links)
    for sweep in range(SWEEPS):
        layers = [list(layer) for layer in layers]
        forward = sweep % 2 == 0
        place: dict[Slot, float] = {}
        for layer in layers if forward else reversed(layers):
            wanted = before if forward else after
            own = {slot: float(index) for index, slot in enumerate(layer)}
            layer.sort(key=lambda slot: _mean([place[other] for other in wanted.get(slot, ())], own[slot]))
            place.update((slot, float(index)) for index, slot in enumerate(layer))
        crossings = _crossings(layers, links)
        if crossings < fewest:
            best, fewest = layers, crossings
    return best


def _neighbours(links: Sequence[tuple[Slot, Slot]]) -> tuple[dict[Slot, list[Slot]], dict[Slot, list[Slot]]]:
    before: dict[Slot, list[Slot]] = {}
    after: dict[Slot, list[Slot]] = {}
    for source, target in links:
        before.setdefault(target, []).append(source)
        after.setdefault(source, []).append(target)
    return before, after


def _crossings(layers: Sequence[Sequence[Slot]], links: Sequence[tuple[Slot, Slot]]) -> int:
    place = {slot: (number, index) for number, layer in enumerate(layers) for index, slot in enumerate(layer)}
    by_layer: dict[int, list[tuple[int, int]]] = {}
    for source, target in links:
        by_layer.setdefault(place[source][0], []).append((place[source][1], place[target][1]))
    crossings = 0
    for pairs in by_layer.values():
        pairs.sort()
        for index, (_, end) in enumerate(pairs):
            crossings += sum(end > other for start, other in pairs[index + 1 :] if start != pairs[index][0])
    return crossings


def _heights(layers: Sequence[Sequence[Slot]], links: Sequence[tuple[Slot, Slot]]) -> dict[Slot, float]:
    """The centre of every slot: towards its neighbours, a few times from both sides."""
    before, after = _neighbours(links)
    centre: dict[Slot, float] = {}
    for layer in layers:
        centre.update(zip(layer, _spread(layer, [0.0] * len(layer)), strict=True))
    for sweep in range(SWEEPS):
        wanted = before if sweep % 2 == 0 else after
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            desired = [_mean([centre[other] for other in wanted.get(slot, ())], centre[slot]) for slot in layer]
            centre.update(zip(layer, _spread(layer, desired), strict=True))
    top = min(centre[slot] - _height(slot) / 2 for layer in layers for slot in layer)
    return {slot: y - top for slot, y in centre.items()}


def _spread(layer: Sequence[Slot], desired: Sequence[float]) -> list[float]:
    """Positions in this order, each gap kept, at the least sum of squared distances from the desired ones."""
    offsets, at = [], 0.0
    for index, slot in enumerate(layer):
        if index:
            at += (_height(layer[index - 1]) + _height(slot)) / 2 + NODE_GAP
        offsets.append(at)
    blocks: list[tuple[float, int]] = []  # pools of adjacent violators: (mean, size)
    for wish, offset in zip(desired, offsets, strict=True):
        mean, size = wish - offset, 1
        while blocks and blocks[-1][0] > mean:
            other, count = blocks.pop()
            mean, size = (mean * size + other * count) / (size + count), size + count
        blocks.append((mean, size))
    flat = [mean for mean, size in blocks for _ in range(size)]
    return [mean + offset for mean, offset in zip(flat, offsets, strict=True)]


def _points(
    chain: Sequence[Slot],
    boxes: Mapping[str, Box],
    column: Sequence[tuple[float, float]],
    centre: Mapping[Slot, float],
) -> list[tuple[float, float]]:
    first, last = boxes[chain[0][0]], boxes[chain[-1][0]]
    points = [(first.x + first.width, centre[chain[0]])]
    for slot in chain[1:-1]:
        left, wide = column[slot[2]]
        points += [(left, centre[slot]), (left + wide, centre[slot])]
    return [*points, (last.x, centre[chain[-1]])]


def _height(slot: Slot) -> float:
    return WAYPOINT_HEIGHT if slot[1] else NODE_HEIGHT


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
