"""The scopes of an instance that people want to see first, in a few bounded queries however many there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from engine.app.ports import InstanceReader
from engine.core.keys import ROOT, iteration_scope, scopes_around, split_path, task_path
from engine.core.state import ScopeState

FIRST, LIVE, NAMED = 60, 100, 100
"""Scopes that are read of an instance: the first ones, those that have not settled, those that failed or are the newest."""
NEWEST = 6
"""Iterations of one task that are read besides the first ones."""


def glance(reader: InstanceReader, instance: str) -> tuple[Mapping[str, ScopeState], bool]:
    """The first scopes, those under way, some that failed and the newest iterations, with all that they are within.

    And whether there are more.
    """
    found = dict(reader.scopes(instance, limit=FIRST))
    if len(found) < FIRST:
        return found, False
    found |= reader.scopes(instance, live=True, limit=LIVE)
    for wanted in (_named(found), _around(found)):
        named = list(islice((path for path in dict.fromkeys(wanted) if path not in found), NAMED))
        if named:
            found |= reader.scopes_at(instance, named)
    return found, True


def _named(scopes: Mapping[str, ScopeState]) -> Iterator[str]:
    """Where the failures were that the counters remember, and the last iterations."""
    for scope, state in scopes.items():
        for name, run in state["tasks"].items():
            for failure in run["items"].get("failures", ()) if "items" in run else ():
                inner, _ = split_path(failure["path"])
                yield from (*(path for path in scopes_around(inner) if path != ROOT), inner)
            if "iterations" in run:
                last = run["iterations"]["number"]
                for number in range(last, max(last - NEWEST, 0), -1):
                    yield iteration_scope(task_path(scope, name), number)


def _around(scopes: Mapping[str, ScopeState]) -> Iterator[str]:
    for scope in scopes:
        yield from scopes_around(scope)
