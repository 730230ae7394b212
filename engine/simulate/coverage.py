"""Which tasks, edges and outcomes of a workflow its test cases have seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engine.core.joins import satisfies
from engine.core.keys import shape_of, task_path
from engine.core.model import Definition, TaskList
from engine.core.outcomes import DONE, FAILED, SKIPPED, positive
from engine.core.state import ACTIVE, ScopeState

COUNTED = ("tasks", "edges", "outcomes")
"""What `--coverage-min` asks for. Edges that were never unsatisfied are shown besides: not every edge can be."""


@dataclass(slots=True, kw_only=True)
class Coverage:
    """What there is to be seen of one workflow, and what has been. Names are paths without keys: `deploy[]/roll`."""

    workflow: str
    tasks: dict[str, bool] = field(default_factory=dict)
    edges: dict[str, bool] = field(default_factory=dict)
    outcomes: dict[str, bool] = field(default_factory=dict)
    """The positive outcome of each task, those that edges listen for, and the cases of each switch."""
    unmet: dict[str, bool] = field(default_factory=dict)
    """The edges again: whether one was seen unsatisfied. `done` always is."""

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
                    made.edges[_edge(shape, edge.source, edge.outcome, name)] = False
                    if edge.outcome != DONE:
                        made.unmet[_edge(shape, edge.source, edge.outcome, name)] = False
        return made

    def see(self, definition: Definition, scopes: Mapping[str, ScopeState]) -> None:
        """Count what one instance did."""
        for path, state in scopes.items():
            self._see(shape_of(path), definition.task_list(path), state)

    def add(self, other: Coverage) -> None:
        """Count what others have seen of the same workflow."""
        for what in (*COUNTED, "unmet"):
            seen = getattr(self, what)
            for name, there in getattr(other, what).items():
                seen[name] = there or seen.get(name, False)

    @property
    def missed(self) -> tuple[str, ...]:
        """What no case has seen, of what counts."""
        return tuple(
            f"{what.removesuffix('s')} {name}"
            for what in COUNTED
            for name, there in getattr(self, what).items()
            if not there
        )

    @property
    def always(self) -> tuple[str, ...]:
        """Edges that were satisfied in every case."""
        return tuple(name for name, there in self.unmet.items() if not there and self.edges[name])

    def percent(self, what: str) -> float:
        """How much of the `tasks`, `edges`, `outcomes` or `unmet` was seen, of 100."""
        return _percent(list(getattr(self, what).values()))

    def _see(self, shape: str, tasks: TaskList, state: ScopeState) -> None:
        runs = state["tasks"]
        for name, task in tasks.tasks.items():
            run = runs.get(name)
            if run is None:
                continue
            path = task_path(shape, name)
            ran = run["state"] != SKIPPED
            self._mark(self.outcomes, f"{path}.{run['state']}")
            if ran:
                self._mark(self.tasks, path)
            for edge in task.edges:
                source = runs.get(edge.source)
                if source is None or source["state"] in ACTIVE:
                    continue
                satisfied = satisfies(edge, source["state"])
                if satisfied and ran:
                    self._mark(self.edges, _edge(shape, edge.source, edge.outcome, name))
                elif not satisfied:
                    self._mark(self.unmet, _edge(shape, edge.source, edge.outcome, name))

    @staticmethod
    def _mark(seen: dict[str, bool], name: str) -> None:
        if name in seen:
            seen[name] = True


def totals(all_: Sequence[Coverage]) -> Iterator[tuple[str, float]]:
    """The share seen of all workflows together, by what counts."""
    for what in COUNTED:
        yield what, _percent([there for coverage in all_ for there in getattr(coverage, what).values()])


def _percent(seen: Sequence[bool]) -> float:
    return 100.0 * sum(seen) / len(seen) if seen else 100.0


def _edge(shape: str, source: str, outcome: str, name: str) -> str:
    return f"{task_path(shape, source)}.{outcome} -> {name}"
