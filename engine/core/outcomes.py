"""How tasks can end, by kind (LANGUAGE, "Edges, outcomes, joins")."""

from __future__ import annotations

from collections.abc import Iterable

SUCCEEDED = "succeeded"
FAILED = "failed"
SKIPPED = "skipped"
CANCELLED = "cancelled"
DONE = "done"
"""The label that any outcome satisfies; never an outcome itself."""

NEGATIVE = frozenset({FAILED, "rejected", "expired", "timed_out", CANCELLED})
"""Outcomes that fail the scope unless somebody handles them."""

POSITIVE_BY_KIND = {"approval": "approved", "event": "received"}
OWN_BY_KIND = {"approval": ("approved", "rejected", "expired"), "event": ("received", "timed_out")}

RESERVED = frozenset({SUCCEEDED, FAILED, SKIPPED, CANCELLED, DONE}.union(*OWN_BY_KIND.values()))
"""Labels that mean something already: no case of a `switch` has one of these names."""


_POSITIVE = frozenset({SUCCEEDED, *POSITIVE_BY_KIND.values()})


def positive(kind: str) -> str:
    """What a plain `needs: x` listens for. A `switch` has no such outcome: none of its cases is called so."""
    return POSITIVE_BY_KIND.get(kind, SUCCEEDED)


def is_positive(outcome: str) -> bool:
    """Whether a task that ended so did what it was for; a case of a `switch` has nothing to undo."""
    return outcome in _POSITIVE


def possible(kind: str, cases: Iterable[str] = ()) -> tuple[str, ...]:
    """Every outcome a task of this kind can end with, positive ones first; `cases` are those of a `switch`."""
    own = tuple(cases) if kind == "switch" else OWN_BY_KIND.get(kind, (SUCCEEDED,))
    return (*own, FAILED, SKIPPED, CANCELLED)


def accepted(outcome: str) -> bool:
    """Whether `continue_on_error` accepts this outcome: any negative one but `cancelled`."""
    return outcome in NEGATIVE and outcome != CANCELLED
