"""What is sure of how tasks have ended when another one of their list runs, whatever happens."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import TypeAlias

from engine.core.expressions.model import MapOf
from engine.core.joins import satisfies
from engine.core.model import Edge, Task, TaskList
from engine.core.outcomes import CANCELLED, SKIPPED, possible
from engine.core.values import Json

Outcomes: TypeAlias = frozenset[str]
Ends: TypeAlias = Mapping[str, Outcomes]
"""By task, the outcomes that are left to it; nothing is known of the others."""

APPROVED = ""
"""Stands among the tasks for any approval: it is there where some approval was surely given."""
_YES = frozenset(("approved",))
_NOT_RUN = frozenset((SKIPPED, CANCELLED))
"""How a task ends that never runs; and who ends so may never have run."""
_MOST = 100
"""Tasks of which something is kept in mind; of more than that less is said, never anything wrong."""
_ENDED_BY = {"approval": ("expires", "expired"), "event": ("timeout", "timed_out")}
"""The parameter without which a task of this kind never has this outcome."""


def outcomes(task: Task) -> Outcomes:
    """Every outcome that a task can have."""
    ends = frozenset(possible(task.kind, (name for name, _ in task.cases)))
    parameter, outcome = _ENDED_BY.get(task.kind, ("", ""))
    return ends - {outcome} if parameter and not _has(task, parameter) else ends


def _has(task: Task, parameter: str) -> bool:
    params = task.params
    if isinstance(params, MapOf):
        return parameter in dict(params.items)
    given: Json = getattr(params, "value", None)
    return not isinstance(given, dict) or parameter in given


class Endings:
    """Of one list, for each task: how those before it have ended when it runs, or that it never runs."""

    def __init__(self, tasks: TaskList) -> None:
        self._tasks = tasks.tasks
        self._ends: dict[str, Ends | None] = {}
        self.never: dict[str, str] = {}
        """Tasks that can never run though all they need can, and why; those that only wait for such a task are left out."""

    def learn(self, name: str) -> Ends | None:
        """How the tasks before this one have ended when its join lets it run, None if that never happens. In the list's order."""
        task = self._tasks[name]
        edges = [(edge, self._of(edge)) for edge in task.edges]
        alive = [ends for _, ends in edges if ends is not None]
        wanted = {"all": len(edges), "at_least": task.join.n}.get(task.join.mode, 1) if edges else 0
        known: Ends | None = None
        if len(alive) >= wanted:
            known = reduce(_either, alive) if len(alive) > wanted else _together(alive)
            if known is None:
                self.never[name] = _contradiction(alive)
        elif all(self._ends[edge.source] is not None for edge, ends in edges if ends is None):
            dead = next(edge for edge, ends in edges if ends is None)
            self.never[name] = f'"{dead.source}" never ends as "{dead.outcome}"'
        self._ends[name] = known
        return known

    def call_off(self, name: str) -> None:
        """The task never runs, for its condition is never true."""
        self._ends[name] = None

    def left(self, name: str) -> Outcomes:
        """Every outcome that a task can have, given how those before it end."""
        every = outcomes(self._tasks[name])
        return every & _NOT_RUN if self._ends[name] is None else every

    def _of(self, edge: Edge) -> Ends | None:
        """What is sure where the edge is satisfied, None where it never is."""
        fitting = frozenset(outcome for outcome in self.left(edge.source) if satisfies(edge, outcome))
        if not fitting:
            return None
        before = (self._ends[edge.source] if not fitting & _NOT_RUN else None) or {}
        if len(before) >= _MOST:
            before = {APPROVED: before[APPROVED]} if APPROVED in before else {}
        if fitting == _YES:
            before = {**before, APPROVED: fitting}
        return {**before, edge.source: fitting}


def _together(every: list[Ends]) -> Ends | None:
    """What is sure where all of these are; None where they contradict each other."""
    ends: dict[str, Outcomes] = {}
    for known in every:
        ends |= {name: left & ends.get(name, left) for name, left in known.items()}
    return ends if all(ends.values()) else None


def _contradiction(every: list[Ends]) -> str:
    for number, known in enumerate(every):
        for name, left in known.items():
            other = next((before[name] for before in every[:number] if not left & before.get(name, left)), None)
            if other is not None:
                one, two = ("/".join(sorted(outcomes)) for outcomes in (other, left))
                return f'it needs "{name}" to end as {one} and as {two} at once'
    return "what it needs never comes together"


def _either(one: Ends, other: Ends) -> Ends:
    return {name: left | other[name] for name, left in one.items() if name in other}
