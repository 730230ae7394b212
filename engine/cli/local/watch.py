"""What has become of a run at one moment: its instance, the instances that its tasks started, and the tasks of each."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from engine.app.glance import glance
from engine.app.ports import InstanceReader
from engine.app.read import TaskView, tasks_of
from engine.app.records import Instance
from engine.core.keys import FINALLY, ROOT, depth, owner, task_path
from engine.core.model import Definition
from engine.core.state import ScopeState
from engine.web.nesting import BAD, Part, tree

MANY = 20
"""Items or iterations above which they are told of in numbers, not one by one."""
MOST_CHILDREN = 50
"""Instances that tasks started of which one look shows the tasks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One instance. `label` is the path of the task that started it, "" of the run itself; `children` by their task's path."""

    label: str
    instance: Instance
    scopes: Mapping[str, ScopeState]
    views: tuple[TaskView, ...]
    children: Mapping[str, Seen]

    @property
    def tops(self) -> tuple[Part, ...]:
        """Its tasks in each other."""
        return tree(self.views, self.scopes)

    def name(self, path: str) -> str:
        """A task's path for people, from the run's own tasks down."""
        return f"{self.label} > {path}" if self.label else path

    def all(self) -> Iterator[Seen]:
        """It and everything below it."""
        yield self
        for child in self.children.values():
            yield from child.all()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A task in the order in which people read them: after those it needs, and before what it consists of."""

    seen: Seen
    view: TaskView
    depth: int

    @property
    def name(self) -> str:
        """Its path from the run's own tasks down."""
        return self.seen.name(self.view.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The run, and whether it is over: neither it nor anything that it started goes on."""

    run: Seen
    over: bool


class Watch:
    """Looks at one run."""

    def __init__(self, reader: InstanceReader, definitions: Mapping[str, Definition], instance: str) -> None:
        self._reader = reader
        self._definitions = definitions
        self._instance = instance

    def look(self) -> Look:
        """Read it, in a bounded number of queries. Raises Unavailable."""
        over = not self._reader.unfinished()
        return Look(run=self._seen(self._instance, "", [MOST_CHILDREN]), over=over)

    def live(self) -> list[Instance]:
        """The instances that have not ended."""
        states = {state for numbers in self._reader.unfinished().values() for state in numbers}
        return [instance for state in sorted(states) for instance in self._reader.list(state=state, limit=500)]

    def kinds(self, instance: Instance, scope: str) -> Mapping[str, str]:
        """The kinds of the tasks of a scope."""
        tasks = self._definitions[instance.digest].task_list(scope).tasks
        return {name: task.kind for name, task in tasks.items()}

    def _seen(self, id: str, label: str, left: list[int]) -> Seen:
        instance = self._reader.get(id)
        definition = self._definitions[instance.digest]
        scopes, _ = glance(self._reader, id)
        views = tasks_of(definition, scopes)
        hidden = folded(views)
        children = {}
        for view in views:
            if view.child is None or left[0] <= 0 or is_within(view.scope, hidden):
                continue
            left[0] -= 1
            below = f"{label} > {view.path}" if label else view.path
            children[view.path] = self._seen(view.child, below, left)
        return Seen(label=label, instance=instance, scopes=scopes, views=views, children=children)


def rows(seen: Seen, within: int = 0, *, also: Collection[str] = ()) -> Iterator[Row]:
    """Every task; of too many items or iterations only those that went wrong, or are in one of the states `also`."""
    hidden = folded(seen.views)
    for view in seen.views:
        if is_within(view.scope, hidden) and view.state not in BAD and view.state not in also:
            continue
        row = Row(seen=seen, view=view, depth=within + depth(view.path))
        yield row
        if view.path in seen.children:
            yield from rows(seen.children[view.path], row.depth + 1, also=also)


def folded(views: tuple[TaskView, ...]) -> frozenset[str]:
    """The paths of the tasks that consist of too many items or iterations to show each."""
    return frozenset(
        view.path
        for view in views
        if (view.items and view.items["total"] > MANY) or (view.iterations and view.iterations["number"] > MANY)
    )


def is_within(scope: str, tasks: frozenset[str]) -> bool:
    """Whether a scope is one of these tasks', or within one."""
    while tasks and scope not in (ROOT, FINALLY):
        above = owner(scope)
        if above is None:
            return False
        if task_path(*above) in tasks:
            return True
        scope = above[0]
    return False
