"""One instance in memory: folds `decide` over its scopes and keeps what leaves it, the way a batch does over a database."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from engine.app.family import Family
from engine.app.runs import Run
from engine.core.commands import CollectItems, Command, FindChildren, GoOn, TellChildren
from engine.core.decide import decide
from engine.core.events import Event, ScopeStarted
from engine.core.keys import FINALLY, ROOT, scopes_around, task_path
from engine.core.model import Definition
from engine.core.reactions import reaction
from engine.core.state import ACTIVE, ScopeState, TaskRun
from engine.core.summary import instance_state

Answer = tuple[str, Event]
"""A scope's path and the event it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Above:
    """The attempt of a `workflow` task that an instance runs for."""

    instance: Simulated
    path: str
    attempt: int
    wait: bool

    @property
    def child(self) -> str:
        """The id of the instance."""
        return f"{self.instance.id}/{self.path}/{self.attempt}"


class Simulated:
    """`outside` carries out what leaves the instance, `changed` hears of every new state, `ended` of every task that ends."""

    def __init__(
        self,
        run: Run,
        *,
        above: Above | None = None,
        outside: Callable[[Simulated, str, Command], None],
        changed: Callable[[Simulated, str, ScopeState], None],
        ended: Callable[[Simulated, str, TaskRun], None],
    ) -> None:
        self.run = run
        self.id: str = run.instance["id"]
        self.above = above
        self.prefix: str = above.instance.full(above.path) if above else ""
        """What stands before the paths of its tasks: the path of the task that it runs for."""
        self.depth: int = above.instance.depth + 1 if above else 0
        self.scopes: dict[str, ScopeState] = {}
        self._written: set[str] = set()
        """Those that the event that is being taken has changed."""
        self._outside = outside
        self._changed = changed
        self._ended = ended

    @property
    def definition(self) -> Definition:
        """What it runs."""
        return self.run.definition

    @property
    def root(self) -> ScopeState:
        """The state of its root scope."""
        return self.scopes[ROOT]

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return self.scopes[ROOT]["status"] == "settled"

    @property
    def state(self) -> str:
        """The instance's, in a word."""
        return instance_state(self.root, self.scopes.get(FINALLY))

    def full(self, path: str) -> str:
        """The path of a task as test files write it."""
        return f"{self.prefix}/{path}" if self.prefix else path

    def take(self, path: str, event: Event) -> None:
        """One event and all it leads to in the instance."""
        self._written.clear()
        waiting: deque[Answer] = deque([(path, event)])
        while waiting:
            path, event = waiting.popleft()
            before = self.scopes.get(path)
            outer = tuple(self.scopes[above] for above in scopes_around(path) if above in self.scopes)
            decision = decide(self.run.definition, before, event, self.run.context(path, outer))
            if not decision.accepted:
                continue
            self.scopes[path] = decision.state
            self._written.add(path)
            self._changed(self, path, decision.state)
            self._tell_ends(path, None if isinstance(event, ScopeStarted) else before, decision.state)
            for command in decision.commands:
                waiting.extend(self._obey(path, command, event.at))

    def _obey(self, path: str, command: Command, at: int) -> list[Answer]:
        if isinstance(command, TellChildren | CollectItems | FindChildren):
            family = Family(
                self.id,
                None,
                changed=lambda: self.scopes,
                written=lambda: len(self._written),
                know=lambda _path, _found: None,
                later=self._later,
            )
            return list(family.obey(path, command, at))
        reacts = reaction(path, command, at)
        if reacts is not None:
            return [reacts]
        self._outside(self, path, command)
        return []

    def _later(self, command: GoOn) -> None:
        self._outside(self, command.scope, command)

    def _tell_ends(self, path: str, before: ScopeState | None, after: ScopeState) -> None:
        runs = before["tasks"] if before is not None else {}
        for name, run in after["tasks"].items():
            was = runs.get(name)
            if run is not was and run["state"] not in ACTIVE and (was is None or was["state"] in ACTIVE):
                self._ended(self, task_path(path, name), run)
