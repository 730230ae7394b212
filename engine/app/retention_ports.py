"""What pruning needs of the instances DB: old instances are let go of first, and what they leave is swept up in small pieces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a look at instances in the order of a time got to."""

    at: int
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LetGo:
    """How many instances went, of how many that were looked at; `last` is where to go on, None at the end."""

    gone: int
    seen: int
    last: Place | None


class Retention(Protocol):
    """Each method is one short transaction, safe to call by several processes at once. All raise Unavailable.

    An instance whose parent has not ended stays, and one that somebody has locked (a retry, a late event) until next time.
    """

    def let_go(self, *, ended_before: int, after: Place | None = None, limit: int) -> LetGo:
        """Of all workflows, those that ended before this time, in the order of their ends.

        From then on nobody finds them; what belongs to them is left to `sweep`, also after a crash.
        """
        ...

    def let_go_beyond(
        self, workflow: str, newest: int, *, ended_before: int, after: Place | None = None, limit: int
    ) -> LetGo:
        """Of one workflow, those that ended before this time and are not among its newest, in the order of their starts."""
        ...

    def sweep(self, limit: int) -> int:
        """Delete up to `limit` rows of instances that were let go of; returns how many, 0 if nothing is left."""
        ...

    def next_workflow(self, after: str) -> str | None:
        """The first workflow that has instances, in the order of their names, behind this one."""
        ...

    def forget(self, *, before: int, limit: int) -> int:
        """Deliveries, events, kept outputs and parked messages that are as old, and keys and rate limits that count no more.

        Up to `limit` of each; returns how many went of what most went of.
        """
        ...

    def forget_definitions(self) -> int:
        """Definitions that no instance has; returns how many."""
        ...

    def count(self, *, ended_before: int) -> int:
        """How many instances ended before this time."""
        ...
