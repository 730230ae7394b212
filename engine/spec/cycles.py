"""Finds the cycles among tasks that wait for each other, so that each can be drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

MOST = 20
"""Cycles that are drawn of one list; a list can have more of them than tasks."""

Waits = Mapping[str, Sequence[str]]


def cycles(waits: Waits) -> list[tuple[str, ...]]:
    """Cycles that together have every wait which is on one, each from its first task in the order of `waits`.

    Each is the shortest through a wait that those before it do not have.
    """
    parts = _parts(waits)
    rank = {name: index for index, name in enumerate(waits)}
    drawn: set[tuple[str, str]] = set()
    found: list[tuple[str, ...]] = []
    for name, sources in waits.items():
        for source in sources:
            if (name, source) in drawn or parts[name] != parts[source] or len(found) == MOST:
                continue
            trail = _way(waits, source, name, parts)
            drawn.update(pairwise((name, *trail)))
            start = trail.index(min(trail, key=rank.__getitem__))
            found.append((*trail[start:], *trail[:start]))
    return found


def _way(waits: Waits, start: str, end: str, parts: Mapping[str, int]) -> list[str]:
    """The shortest way from one task to another that waits for it in turn, both among its tasks."""
    came: dict[str, str | None] = {start: None}
    queue = [start]
    for name in queue:
        for source in waits[name] if name != end else ():
            if source not in came and parts[source] == parts[end]:
                came[source] = name
                queue.append(source)
    trail = [end]
    while (before := came[trail[-1]]) is not None:
        trail.append(before)
    return trail[::-1]


def _parts(waits: Waits) -> dict[str, int]:
    """Tasks with the same number wait for each other (strongly connected; Kosaraju)."""
    back: dict[str, list[str]] = {name: [] for name in waits}
    for name, sources in waits.items():
        for source in sources:
            back[source].append(name)
    seen: set[str] = set()
    ended = [name for start in waits for name in _ends(waits, start, seen)]
    parts: dict[str, int] = {}
    done: set[str] = set()
    for number, start in enumerate(reversed(ended)):
        parts.update(dict.fromkeys(_ends(back, start, done), number))
    return parts


def _ends(graph: Waits, start: str, seen: set[str]) -> Iterator[str]:
    """What can be reached from `start` and was not seen, each after all that follows it."""
    if start in seen:
        return
    seen.add(start)
    stack = [(start, iter(graph[start]))]
    while stack:
        name, rest = stack[-1]
        following = next((other for other in rest if other not in seen), None)
        if following is None:
            stack.pop()
            yield name
        else:
            seen.add(following)
            stack.append((following, iter(graph[following])))
