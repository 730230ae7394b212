"""An instance as it is drawn: its tasks as the API lists them, each with its state, in the tasks that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.core.keys import COMPENSATE, FINALLY, ROOT, owner, split_path, task_path
from engine.core.outcomes import positive
from engine.web.sketch import Arrow, Node, Sketch, shortened

Row = dict[str, Any]


def sketch_of(workflow: str, rows: Sequence[Row], why: Sequence[str]) -> Sketch:
    """What these tasks look like; `why`: what there is to say of each besides its state."""
    return _Drawn(rows, why).sketch(workflow)


class _Drawn:
    def __init__(self, rows: Sequence[Row], why: Sequence[str]) -> None:
        self._scopes: dict[str, list[tuple[Row, str]]] = {}
        for row, said in zip(rows, why, strict=True):
            self._scopes.setdefault(split_path(row["path"])[0], []).append((row, said))
        self._within: dict[str, list[str]] = {}
        for scope in self._scopes:
            above = owner(scope)
            if above is not None and scope != FINALLY:
                self._within.setdefault(task_path(*above), []).append(scope)

    def sketch(self, workflow: str) -> Sketch:
        return Sketch(name=workflow, tasks=self._list(ROOT), finally_=self._list(FINALLY))

    def _list(self, scope: str) -> tuple[Node, ...]:
        rows = self._scopes.get(scope, [])
        kinds = {split_path(row["path"])[1]: row["kind"] for row, _ in rows}
        return tuple(self._node(row, said, kinds) for row, said in rows)

    def _node(self, row: Row, said: str, kinds: dict[str, str]) -> Node:
        scope, name = split_path(row["path"])
        outcomes: dict[str, list[str]] = {}
        for need in row["needs"]:
            usual = need["outcome"] == positive(kinds[need["source"]])
            outcomes.setdefault(need["source"], []).extend([] if usual else [need["outcome"]])
        within = self._within.get(row["path"], ())
        return Node(
            path=row["path"],
            id=name or _last(scope),
            kind="group" if within else row["kind"],
            what=row["kind"],
            ways=(shortened(said),) if said else (),
            arrows=tuple(Arrow(source=source, outcomes=tuple(found)) for source, found in outcomes.items()),
            inner=tuple(node for inner in within for node in self._inner(row["path"], inner)),
            mark=row["state"],
        )

    def _inner(self, path: str, scope: str) -> tuple[Node, ...]:
        """What stands in a scope of a task; but for a group's, with a name of its own."""
        nodes = self._list(scope)
        if scope == path or split_path(nodes[0].path)[1] == "":
            return nodes
        return (Node(path=scope, id=_last(scope), kind="group", what=f"{len(nodes)} tasks", inner=nodes),)


def _last(scope: str) -> str:
    """What tells a scope from those beside it: `[eu]`, `#2`, `compensate`."""
    last = scope.rpartition("/")[2]
    if last == COMPENSATE:
        return last
    sign = max(last.rfind("["), last.rfind("#"))
    return last[sign:] if sign >= 0 else last
