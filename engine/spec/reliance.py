"""What a task can rely on when it runs: the tasks it waits for, and those of them that have surely succeeded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from engine.core.model import Edge, Join
from engine.core.outcomes import CANCELLED, DONE, FAILED, SKIPPED, positive
from engine.spec.task_models import LeafKeys, TaskKeys

_MOST_COUNTED = 50
"""`at_least` beyond this is taken as this: it proves less, never more, and the time stays bounded."""
_SAYS_LITTLE = frozenset({DONE, SKIPPED, CANCELLED})
"""Labels whose source may have ended before it ran."""


def kind_of(task: TaskKeys) -> str:
    """The kind of the task as its list sees it (`engine.core.model.Task`): with `for_each` and `repeat` that of the whole."""
    if task.for_each is not None:
        return "for_each"
    return "repeat" if task.repeat is not None else inner_kind_of(task)


def inner_kind_of(task: LeafKeys) -> str:
    """The kind of what runs for each item and iteration: `script` for `run`."""
    if isinstance(task, TaskKeys):
        if task.tasks is not None:
            return "group"
        if task.switch is not None:
            return "switch"
        if task.workflow is not None:
            return "workflow"
    return "script" if task.run is not None else task.uses or ""


class Reliance:
    """Sets of tasks as bits of integers, for thousands of tasks that wait for thousands."""

    def __init__(
        self, tasks: Mapping[str, TaskKeys], edges: Mapping[str, Sequence[Edge]], order: Sequence[str]
    ) -> None:
        self._order = order
        self._bits = {name: 1 << index for index, name in enumerate(order)}
        self._positive = {name: positive(kind_of(task)) for name, task in tasks.items()}
        self._before: dict[str, int] = {}
        self._proved: dict[str, int] = {}
        self._settled: dict[str, int] = {}
        self._failed: dict[str, int] = {}
        for name in order:
            before = 0
            for edge in edges[name]:
                before |= self._before[edge.source] | self._bits[edge.source]
            self._before[name] = before
            join = tasks[name].join
            self._proved[name] = self._every_choice(join, [self._success(edge) for edge in edges[name]])
            self._settled[name] = self._every_choice(join, [self._end(edge) for edge in edges[name]])
            self._failed[name] = self._every_choice(join, [self._failure(edge) for edge in edges[name]])
            if join.mode == "merge":
                for edge in edges[name]:
                    self._settled[name] |= self._bits[edge.source]
        self._sure_at_end = self._at_end(tasks, edges)

    def before(self, task: str) -> list[str]:
        """The tasks that a task waits for, directly or not."""
        return self._names(self._before[task])

    def awaits(self, task: str, other: str) -> bool:
        """Whether `other` is one of them."""
        return bool(self._before[task] & self._bits.get(other, 0))

    def proves(self, task: str, other: str) -> bool:
        """Whether `other` has surely ended positively when the task runs, whatever edges satisfied its join."""
        return bool(self._proved[task] & self._bits[other])

    def settles(self, task: str, other: str) -> bool:
        """Whether `other` has surely ended, somehow, when the task runs."""
        return bool(self._settled[task] & self._bits[other])

    def fails(self, task: str, other: str) -> bool:
        """Whether `other` has surely failed when the task runs."""
        return bool(self._failed[task] & self._bits[other])

    def proves_at_end(self, task: str) -> bool:
        """Whether a task has surely ended positively when the whole list has succeeded."""
        return bool(self._sure_at_end & self._bits[task])

    def _names(self, bits: int) -> list[str]:
        return [self._order[index] for index, bit in enumerate(reversed(f"{bits:b}")) if bit == "1"]

    def _every_choice(self, join: Join, proofs: Sequence[int]) -> int:
        """Proved by every choice of edges that satisfies the join: too few edges are left without the proof."""
        if join.mode == "all":
            union = 0
            for proof in proofs:
                union |= proof
            return union
        wanted = min(join.n if join.mode == "at_least" else 1, _MOST_COUNTED)
        everything = (1 << len(self._order)) - 1
        lacking = [everything, *[0] * wanted]  # lacking[k]: what at least k of the edges do not prove
        for proof in proofs:
            for k in range(wanted, 0, -1):
                lacking[k] |= lacking[k - 1] & ~proof
        return everything & ~lacking[wanted] if proofs else 0

    def _success(self, edge: Edge) -> int:
        """What a satisfied edge proves to have succeeded: all that let its source run, which a skipped one does not say."""
        if edge.outcome in _SAYS_LITTLE:
            return 0
        own = self._bits[edge.source] if edge.outcome == self._positive[edge.source] and not edge.lenient else 0
        return self._proved[edge.source] | own

    def _end(self, edge: Edge) -> int:
        before = 0 if edge.outcome in _SAYS_LITTLE else self._settled[edge.source]
        return before | self._bits[edge.source]

    def _failure(self, edge: Edge) -> int:
        return self._bits[edge.source] if edge.outcome == FAILED else 0

    def _at_end(self, tasks: Mapping[str, TaskKeys], edges: Mapping[str, Sequence[Edge]]) -> int:
        """A task has surely succeeded if nothing can skip or cancel it and nobody would handle its failure."""
        harmless = (DONE, SKIPPED)
        handled = {
            edge.source
            for name in tasks
            for edge in edges[name]
            if tasks[name].cancel_rest or (edge.outcome not in harmless and edge.outcome != self._positive[edge.source])
        }
        sure = 0
        for name in self._order:
            join = tasks[name].join
            satisfied = sum(
                bool(sure & self._bits[edge.source]) and edge.outcome in (DONE, self._positive[edge.source])
                for edge in edges[name]
            )
            wanted = {"any": 1, "at_least": join.n}.get(join.mode, len(edges[name]))
            handled_here = name in handled or tasks[name].continue_on_error
            if satisfied >= wanted and tasks[name].if_ is None and not handled_here:
                sure |= self._bits[name]
        for name, task in tasks.items():
            if _can_exit(task, instance=False):
                sure &= self._proved[name]  # what it does not wait for may never have run
        return sure


class Trusting:
    """Of a list whose `needs` are wrong: who waits for whom is not known, so nothing is held against what a task reads."""

    def __init__(self, tasks: Iterable[str]) -> None:
        self._tasks = list(tasks)

    def before(self, task: str) -> list[str]:
        """All others."""
        return [other for other in self._tasks if other != task]

    def awaits(self, task: str, other: str) -> bool:
        """It may."""
        return other != task

    def proves(self, task: str, other: str) -> bool:  # noqa: ARG002 - as `Reliance`
        """It may."""
        return True

    settles = fails = proves

    def proves_at_end(self, task: str) -> bool:  # noqa: ARG002 - as `Reliance`
        """It may."""
        return True


def _can_exit(task: TaskKeys, *, instance: bool) -> bool:
    """Whether the list of a task can succeed by an `exit` before all of it has run; `instance`: the whole instance can."""
    if task.tasks is not None:
        return any(_can_exit(inner, instance=True) for inner in task.tasks.values())
    given = task.with_ or {}
    if task.uses != "exit" or given.get("state") in (FAILED, CANCELLED):
        return False
    alone = instance or task.for_each is not None or task.repeat is not None
    return not alone or given.get("scope", "own") != "own"
