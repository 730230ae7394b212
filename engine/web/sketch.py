"""What every drawing of a workflow says of a task that has not run, and how two versions of it are drawn as one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.core.expressions.model import Expression
from engine.core.keys import FINALLY, task_path
from engine.core.model import Definition, Task, TaskList
from engine.core.outcomes import positive

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
MARKS = frozenset({ADDED, REMOVED, CHANGED})
LONGEST = 44
"""Characters of an expression that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """From `source`, a task of the same list. `outcomes`: what it listens for, unless that is the expected one."""

    source: str
    outcomes: tuple[str, ...] = ()
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One task. `path`: the ids of the tasks around it and its own, joined by slashes; `inner`: the tasks it consists of.

    `ways`: how it differs from a task that runs once when all it needs went well, a phrase each. `mark`: what has become
    of it, `added`, `removed`, `changed` or a state.
    """

    path: str
    id: str
    kind: str
    what: str
    ways: tuple[str, ...] = ()
    arrows: tuple[Arrow, ...] = ()
    inner: tuple[Node, ...] = ()
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """A workflow's own tasks, and those of `finally`; each list in an order in which tasks stand after those they need."""

    name: str
    tasks: tuple[Node, ...]
    finally_: tuple[Node, ...] = ()


def sketch(
    definition: Definition, marks: Mapping[str, str] | None = None, *, before: Definition | None = None
) -> Sketch:
    """A definition as it is drawn, with `marks` by the path of a node. With `before`, what only one of the two has is marked."""
    now, marks = _plain(definition), marks or {}
    if before is not None:
        then = _plain(before)
        now = replace(now, tasks=_merged(then.tasks, now.tasks), finally_=_merged(then.finally_, now.finally_))
    return replace(now, tasks=_marked(now.tasks, marks), finally_=_marked(now.finally_, marks))


def _plain(definition: Definition) -> Sketch:
    finally_ = _nodes(FINALLY, definition.finally_)
    return Sketch(name=definition.name, tasks=_nodes("", definition.tasks), finally_=finally_)


def _nodes(around: str, tasks: TaskList) -> tuple[Node, ...]:
    return tuple(_node(around, task, tasks) for task in tasks.tasks.values())


def _node(around: str, task: Task, tasks: TaskList) -> Node:
    path = task_path(around, task.id)
    inmost = task
    while inmost.body is not None and (only := inmost.body.tasks.get("")) is not None:
        inmost = only
    outcomes: dict[str, list[str]] = {}
    for edge in task.edges:
        usual = edge.outcome == positive(tasks.tasks[edge.source].kind)
        outcomes.setdefault(edge.source, []).extend([] if usual else [edge.outcome])
    return Node(
        path=path,
        id=task.id,
        kind=inmost.kind if inmost.body is None else "group",
        what=_what(inmost),
        ways=tuple(_ways(task)),
        arrows=tuple(Arrow(source=source, outcomes=tuple(found)) for source, found in outcomes.items()),
        inner=_nodes(path, inmost.body) if inmost.body is not None else (),
    )


def _what(task: Task) -> str:
    if task.body is not None:
        return ""
    return f"workflow {task.workflow}" if task.kind == "workflow" else task.kind


def _ways(task: Task) -> Iterator[str]:
    if len(task.edges) > 1 and task.join.mode != "all":
        number = {"any": "any", "at_least": str(task.join.n)}.get(task.join.mode)
        yield f"{number} of {len(task.edges)}" if number else task.join.mode
    if task.condition is not None:
        yield f"if {shortened(task.condition.source)}"
    yield from _repeated(task)


def _repeated(task: Task) -> Iterator[str]:
    """How often it runs, and whether it can be undone, with what is said so of a leaf in its scopes."""
    if task.for_each is not None:
        items = task.for_each.items
        yield f"for each {task.for_each.name}" + (
            f" in {shortened(items.source)}" if isinstance(items, Expression) else ""
        )
    if task.repeat is not None:
        yield f"up to {task.repeat.max_iterations} times"
    if task.compensate is not None:
        yield "can be undone"
    if task.body is not None and (only := task.body.tasks.get("")) is not None:
        yield from _repeated(only)


def shortened(source: str) -> str:
    """An expression in one line, as far as there is room, without what a terminal would obey."""
    line = "".join(letter if letter.isprintable() else "\ufffd" for letter in " ".join(source.split()))
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _merged(then: Sequence[Node], now: Sequence[Node]) -> tuple[Node, ...]:
    """The nodes of a list now, then those it had, with the arrows of both."""
    old, new = {node.id: node for node in then}, {node.id: node for node in now}
    kept = [
        replace(node, arrows=_arrows(old[node.id], node), inner=_merged(old[node.id].inner, node.inner))
        if node.id in old
        else _all(node, ADDED)
        for node in now
    ]
    return (*kept, *(_all(node, REMOVED) for node in then if node.id not in new))


def _arrows(then: Node, now: Node) -> tuple[Arrow, ...]:
    added = (arrow if arrow in then.arrows else replace(arrow, mark=ADDED) for arrow in now.arrows)
    return (*added, *(replace(arrow, mark=REMOVED) for arrow in then.arrows if arrow not in now.arrows))


def _all(node: Node, mark: str) -> Node:
    """It and all that is in it."""
    arrows = tuple(replace(arrow, mark=mark) for arrow in node.arrows)
    return replace(node, mark=mark, arrows=arrows, inner=tuple(_all(inner, mark) for inner in node.inner))


def _marked(nodes: Sequence[Node], marks: Mapping[str, str]) -> tuple[Node, ...]:
    return tuple(
        replace(node, mark=marks.get(node.path, node.mark), inner=_marked(node.inner, marks)) for node in nodes
    )
