"""Turns the `needs` of a list of tasks into edges, an order to run in, and what each task can rely on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from engine.core.model import Edge, Join
from engine.core.outcomes import DONE, accepted, positive, possible
from engine.spec.cycles import cycles
from engine.spec.kinds import PARAMS
from engine.spec.nodes import Path, Scalar
from engine.spec.notebook import Notebook
from engine.spec.reliance import Reliance, Trusting, kind_of
from engine.spec.removal import removal
from engine.spec.task_models import TaskKeys

FORMS = frozenset({"group", "for_each", "repeat", "switch", "workflow"})
"""Kinds of tasks that stand for other keys than `uses` and `run`."""
_SHOWN = 20
"""How many outcomes a message lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The tasks of one list and how they hang together; `order` has every task after those it needs."""

    order: tuple[str, ...]
    edges: Mapping[str, tuple[Edge, ...]]
    followers: Mapping[str, tuple[str, ...]]
    reliance: Reliance | Trusting


def build_graph(notebook: Notebook, tasks: Mapping[str, TaskKeys], path: Path) -> Graph:
    """The graph of the list at `path`. Where its `needs` are wrong, which is then noted, one in which all wait for all."""
    before = len(notebook.findings)
    edges = {name: _edges(notebook, tasks, name, (*path, name)) for name in tasks}
    if len(notebook.findings) > before:
        return _unordered(tasks, edges)
    order = _order(edges)
    if len(order) < len(tasks):
        _note_cycles(notebook, edges, path)
        return _unordered(tasks, edges)
    for name in order:
        _check_join(notebook, tasks[name].join, edges[name], (*path, name))
    followers: dict[str, dict[str, None]] = {name: {} for name in tasks}
    for name in tasks:
        for edge in edges[name]:
            followers[edge.source][name] = None
    return Graph(order=order, edges=edges, followers=_tuples(followers), reliance=Reliance(tasks, edges, order))


def _unordered(tasks: Mapping[str, TaskKeys], edges: Mapping[str, tuple[Edge, ...]]) -> Graph:
    """What else is wrong with the tasks is to be found as well; the file is never loaded."""
    return Graph(order=tuple(tasks), edges=edges, followers={}, reliance=Trusting(tasks))


def _tuples(sets: Mapping[str, Mapping[str, None]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(entries) for name, entries in sets.items()}


def _edges(notebook: Notebook, tasks: Mapping[str, TaskKeys], name: str, path: Path) -> tuple[Edge, ...]:
    needs = tasks[name].needs
    single = isinstance(notebook.document.find((*path, "needs")), Scalar)
    edges: dict[Edge, None] = {}
    for index, text in enumerate(needs):
        at: Path = (*path, "needs") if single else (*path, "needs", index)
        edge = _edge(notebook, tasks, name, text, at)
        if edge in edges:
            notebook.note(at, "duplicate-need", f'task "{name}" needs "{text}" twice')
            notebook.offer(removal(notebook.document, at), safe=True)
        elif edge is not None:
            edges[edge] = None
    return tuple(edges)


def _edge(notebook: Notebook, tasks: Mapping[str, TaskKeys], name: str, text: str, at: Path) -> Edge | None:
    source, dot, label = text.partition(".")
    if source == name:
        notebook.note(at, "self-need", f'task "{name}" needs itself, so it could never run')
        return None
    if source not in tasks:
        others = [other for other in tasks if other != name]
        message = f'task "{name}" needs "{source}", which does not exist'
        notebook.note(at, "unknown-need", message, suggestion=notebook.suggest(source, others))
        return None
    kind, cases = kind_of(tasks[source]), tuple(tasks[source].switch or ())
    labels = (*possible(kind, cases), DONE)
    if not dot and kind == "switch":
        message = f'"{source}" is a switch: name the case that task "{name}" needs, one of {_listing(labels)}'
        notebook.note(at, "unknown-outcome", message, suggestion=f"{source}.{labels[0]}")
        return None
    if not dot:
        return Edge(source=source, outcome=positive(kind), lenient=tasks[source].continue_on_error)
    if label not in labels and (kind in PARAMS or kind in FORMS):
        message = f'task "{source}" never ends as "{label}", only as {_listing(labels)}'
        notebook.note(at, "unknown-outcome", message, suggestion=notebook.suggest(label, labels))
        return None
    return Edge(source=source, outcome=label)


def _listing(labels: tuple[str, ...]) -> str:
    return ", ".join(labels if len(labels) <= _SHOWN else (*labels[:_SHOWN], "…"))


def _order(edges: Mapping[str, tuple[Edge, ...]]) -> tuple[str, ...]:
    """Every task after those it needs, else in file order; tasks on or behind a cycle are left out."""
    names = list(edges)
    rank = {name: index for index, name in enumerate(names)}
    waits = {name: {edge.source for edge in edges[name]} for name in names}
    followers: dict[str, list[str]] = {name: [] for name in names}
    for name, sources in waits.items():
        for source in sources:
            followers[source].append(name)
    ready = [rank[name] for name in names if not waits[name]]
    order: list[str] = []
    while ready:
        name = names[heappop(ready)]
        order.append(name)
        for follower in followers[name]:
            waits[follower].discard(name)
            if not waits[follower]:
                heappush(ready, rank[follower])
    return tuple(order)


def _note_cycles(notebook: Notebook, edges: Mapping[str, tuple[Edge, ...]], path: Path) -> None:
    """Draw them, each at the need that closes it."""
    waits = {name: tuple(edge.source for edge in edges[name]) for name in edges}
    for cycle in cycles(waits):
        drawn = " → ".join([*cycle, cycle[0]])
        at: Path = (*path, cycle[0], "needs")
        if not isinstance(notebook.document.find(at), Scalar):
            at = (*at, waits[cycle[0]].index(cycle[1]))
        notebook.note(at, "cycle", f"these tasks wait for each other: {drawn}")


def _check_join(notebook: Notebook, join: Join, edges: tuple[Edge, ...], path: Path) -> None:
    if not edges:
        if join.mode != "all":
            notebook.note((*path, "join"), "unreachable-join", "`join` combines `needs`, and this task has none")
        return
    wanted = {"all": len(edges), "at_least": join.n}.get(join.mode, 1)
    sources = {edge.source for edge in edges}
    by_source: dict[str, list[Edge]] = {source: [] for source in sources}
    for edge in edges:
        by_source[edge.source].append(edge)
    possible_edges = sum(map(_most_satisfied, by_source.values()))
    if wanted > possible_edges:
        at = "join" if join.mode != "all" else "needs"
        message = f"this task can never run: it waits for {wanted} edges, of which at most {possible_edges} can be true"
        detail = "" if len(sources) == len(edges) else " (a task ends with one outcome)"
        notebook.note((*path, at), "unreachable-join", message + detail, at_key=at == "needs")


def _most_satisfied(edges: Sequence[Edge]) -> int:
    """How many of the edges from one source can be true at once: it ends with one outcome."""
    return max(sum(_satisfied(edge, outcome) for edge in edges) for outcome in {edge.outcome for edge in edges})


def _satisfied(edge: Edge, outcome: str) -> bool:
    return edge.outcome in (outcome, DONE) or (edge.lenient and accepted(outcome))
