"""A list of tasks where it stands in its file: what its tasks wait for, and what those around it do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from engine.core.values import Json
from engine.spec.graph import Graph
from engine.spec.reliance import Reliance
from engine.spec.task_models import TaskKeys

NO_GRAPH = Graph(order=(), edges={}, followers={}, reliance=Reliance({}, {}, ()))


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One list of tasks.

    `around` is the list that holds the task with this one, and that task's id. `ended` are tasks that can be read though
    nothing waits for them: in `finally` those of the workflow. `names` are what loops around it add to expressions.
    """

    tasks: Mapping[str, TaskKeys]
    graph: Graph
    around: tuple[Listed, str] | None = None
    ended: Mapping[str, TaskKeys] = field(default_factory=dict)
    names: Mapping[str, Json] = field(default_factory=dict)

    depth: int = 0
    """How many groups it stands in."""

    @classmethod
    def root(cls, ended: Mapping[str, TaskKeys]) -> Listed:
        """The place of a list that stands in no other, still without tasks."""
        return cls(tasks={}, graph=NO_GRAPH, ended=ended)

    def within(self, name: str, names: Mapping[str, Json]) -> Listed:
        """The place of the list in the task `name`, still without tasks."""
        return Listed(tasks={}, graph=NO_GRAPH, around=(self, name), names=names, depth=self.depth + 1)

    @cached_property
    def near(self) -> frozenset[str]:
        """The tasks of this list and of those around it: what a task inside may wait for."""
        own = frozenset(self.tasks)
        return own if self.around is None else own | self.around[0].near

    def awaited(self, name: str | None) -> Iterator[str]:
        """What the task `name` may read; None stands for who reads when all have ended."""
        yield from self.tasks if name is None else self.graph.reliance.before(name)
        yield from (other for other in self.ended if other not in self.tasks)
        if self.around is not None:
            outer, task = self.around
            yield from (other for other in outer.awaited(task) if other not in self.tasks)

    def source(self, name: str, other: str) -> TaskKeys | None:
        """The task `other` that `name`, or a task around it, waits for or comes after."""
        if other in self.tasks:
            return self.tasks[other] if self.graph.reliance.awaits(name, other) else None
        if other in self.ended:
            return self.ended[other]
        return None if self.around is None else self.around[0].source(self.around[1], other)
