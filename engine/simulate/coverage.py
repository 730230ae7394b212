"""Which tasks, edges and outcomes of a workflow its test cases have seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from engine.core.joins import satisfies
from engine.core.keys import shape_of, task_path
from engine.core.model import Definition, TaskList
from engine.core.outcomes import DONE, FAILED, SKIPPED, positive
from engine.core.state import ScopeState


@dataclass(slots=True, kw_only=True)
class Coverage:
    """What there is to be seen of one workflow, and what has been. Names are paths without keys: `deploy[]/roll`."""

    workflow: str
    tasks: dict[str, bool] = field(default_factory=dict)
    edges: dict[str, bool] = field(default_factory=dict)
    outcomes: dict[str, bool] = field(default_factory=dict)
    """The positive outcome of each task, those that edges listen for, and the cases of each switch."""

    @classmethod
    def of(cls, definition: Definition) -> Coverage:
        """Nothing seen yet."""
        made = cls(workflow=definition.name)
        for shape, tasks in definition.lists.items():
            for name, task in tasks.tasks.items():
                path = task_path(shape, name)
                made.tasks[path] = False
                listened = {
                    edge.outcome for other in tasks.tasks.values() for edge in other.edges if edge.source == name
                }
                good = FAILED if task.kind == "fail" else positive(task.kind)
                own = [case for case, _ in task.cases] or [good]
                for outcome in dict.fromkeys([*own, *sorted(listened - {DONE})]):
                    made.outcomes[f"{path}.{outcome}"] = False
                for edge in task.edges:
                    made.edges[f"{task_path(shape, edge.source)}.{edge.outcome} -> {name}"] = False
        return made

    def see(self, definition: Definition, scopes: Mapping[str, ScopeState]) -> None:
        """Count what one case did."""
        for path, state in scopes.items():
            self._see(shape_of(path), definition.task_list(path), state)

    @property
    def missed(self) -> tuple[str, ...]:
        """What no case has seen."""
        return tuple(
            f"{what} {name}"
            for what, seen in (("task", self.tasks), ("edge", self.edges), ("outcome", self.outcomes))
            for name, there in seen.items()
            if not there
        )

    def percent(self, what: str) -> float:
        """How much of the `tasks`, `edges` or `outcomes` was seen, of 100."""
        seen: dict[str, bool] = getattr(self, what)
        return 100.0 * sum(seen.values()) / len(seen) if seen else 100.0

    def _see(self, shape: str, tasks: TaskList, state: ScopeState) -> None:
        runs = state["tasks"]
        for name, task in tasks.tasks.items():
            run = runs.get(name)
            if run is None:
                continue
            path = task_path(shape, name)
            self._mark(self.outcomes, f"{path}.{run['state']}")
            if run["state"] == SKIPPED:
                continue
            self._mark(self.tasks, path)
            for edge in task.edges:
                source = runs.get(edge.source)
                if source is not None and satisfies(edge, source["state"]):
                    self._mark(self.edges, f"{task_path(shape, edge.source)}.{edge.outcome} -> {name}")

    @staticmethod
    def _mark(seen: dict[str, bool], name: str) -> None:
        if name in seen:
            seen[name] = True


def totals(all_: list[Coverage]) -> Iterator[tuple[str, float]]:
    """The share seen of all workflows together, by what."""
    for what in ("tasks", "edges", "outcomes"):
        seen = [there for coverage in all_ for there in getattr(coverage, what).values()]
        yield what, 100.0 * sum(seen) / len(seen) if seen else 100.0
