"""A task that does nothing, for measuring everything around it: `uses: python`, `call: engine.adapters.kinds.noop:noop`."""

from __future__ import annotations


def noop() -> None:
    """Nothing."""
