"""One instance in memory: folds `decide` over its scopes and keeps what leaves it, the way a batch does over a database."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from engine.app.family import Family
from engine.core.commands import CollectItems, Command, FindChildren, GoOn, TellChildren
from engine.core.context import Context
from engine.core.decide import decide
from engine.core.events import Event
from engine.core.keys import ROOT, scopes_around, task_path
from engine.core.model import Definition
from engine.core.reactions import reaction
from engine.core.state import ACTIVE, ScopeState
from engine.core.summary import instance_state

Answer = tuple[str, Event]
"""A scope's path and the event it takes."""


class Simulated:
    """`outside` carries out the commands that leave the instance; what it answers at once is taken in the same step."""

    def __init__(
        self,
        definition: Definition,
        context: Mapping[str, Any],
        outside: Callable[[str, Command], list[Answer]],
    ) -> None:
        self.definition = definition
        self.scopes: dict[str, ScopeState] = {}
        self.ended: list[str] = []
        """Paths of tasks in the order in which they ended; once more for one that was run again."""
        self._context = context
        self._outside = outside
        self._memo: dict[str, Any] = {}

    def take(self, path: str, event: Event) -> None:
        """One event and all it leads to in the instance."""
        waiting: deque[Answer] = deque([(path, event)])
        while waiting:
            path, event = waiting.popleft()
            before = self.scopes.get(path)
            decision = decide(self.definition, before, event, self._here(path))
            if not decision.accepted:
                continue
            self.scopes[path] = decision.state
            self._note_ends(path, before, decision.state)
            for command in decision.commands:
                waiting.extend(self._obey(path, command, event.at))

    @property
    def state(self) -> str:
        """The instance's."""
        return instance_state(self.scopes[ROOT], self.scopes.get("finally"))

    def _here(self, path: str) -> Context:
        outer = tuple(self.scopes[above] for above in scopes_around(path) if above in self.scopes)
        return Context(**self._context, scope=path, outer=outer, memo=self._memo)

    def _obey(self, path: str, command: Command, at: int) -> list[Answer]:
        if isinstance(command, TellChildren | CollectItems | FindChildren):
            family = Family("", None, lambda: self.scopes, lambda _path, _found: None, self._later)
            return list(family.obey(path, command, at))
        reacts = reaction(path, command, at)
        return self._outside(path, command) if reacts is None else [reacts]

    def _later(self, command: GoOn) -> None:
        self._outside(command.scope, command)

    def _note_ends(self, path: str, before: ScopeState | None, after: ScopeState) -> None:
        runs = before["tasks"] if before is not None else {}
        for name, run in after["tasks"].items():
            if run["state"] not in ACTIVE and (name not in runs or runs[name]["state"] in ACTIVE):
                self.ended.append(task_path(path, name))
