"""How tasks can end, by kind (LANGUAGE, "Edges, outcomes, joins")."""

from __future__ import annotations

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


def positive(kind: str) -> str:
    """What a plain `needs: x` listens for."""
    return POSITIVE_BY_KIND.get(kind, SUCCEEDED)


def possible(kind: str) -> tuple[str, ...]:
    """Every outcome a task of this kind can end with, positive one first."""
    own = OWN_BY_KIND.get(kind, (SUCCEEDED,))
    return (*own, FAILED, SKIPPED, CANCELLED)
