"""What is read of the scopes below a task while events of its instance are decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from engine.app.records import LoadedScope
from engine.core.values import Json


class Children(Protocol):
    """Scopes of one locked instance, found while its events are decided. `task` is the path of a task with child scopes."""

    def load(self, paths: Sequence[str]) -> Mapping[str, LoadedScope]:
        """These scopes, as far as they are there."""
        ...

    def live(self, task: str, after: str, limit: int) -> Sequence[tuple[str, LoadedScope]]:
        """Child scopes that have not settled, in the order of their paths, behind `after`."""
        ...

    def unsuccessful(self, task: str, began: int, after: str, limit: int) -> Sequence[tuple[str, LoadedScope]]:
        """Items of one beginning that did not end well or were undone, likewise."""
        ...

    def undoable(self, task: str, limit: int) -> Sequence[str]:
        """The paths of the child scopes that ended well last and are not undone, oldest first."""
        ...

    def outputs(self, task: str, began: int) -> Mapping[int, Json]:
        """The outputs of the items of one beginning that ended well, by index."""
        ...
