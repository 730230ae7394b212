"""Workflows that are run while something breaks, with what a run of them must have done in the end."""

from __future__ import annotations

from typing import NamedTuple


class Load(NamedTuple):
    """`tasks` of one run are carried out by workers, and so end with a completion each."""

    name: str
    text: str
    tasks: int


PROJECT = """\
webhooks:
  github: {provider: github, secret: GITHUB_WEBHOOK_SECRET}
secrets: [GITHUB_WEBHOOK_SECRET]
"""

NOOP = "{uses: python, with: {call: 'engine.adapters.kinds.noop:noop'}"


def chain(length: int, name: str = "chain") -> Load:
    """Short tasks one after another, started by a push or through the API."""
    tasks = "".join(f"  t{n}: {NOOP}{f', needs: t{n - 1}' if n else ''}}}\n" for n in range(length))
    on = "on:\n  webhook: [{source: github, events: [push]}]\n"
    return Load(name, f"name: {name}\n{on}tasks:\n{tasks}", length)
