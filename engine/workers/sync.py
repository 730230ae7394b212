"""The process that follows a git repository."""

from __future__ import annotations

from engine.app.sync import Synchronizer
from engine.workers.loop import Loop


def sync_loop(sync: Synchronizer, *, poll: float) -> Loop:
    """Look at the repository every `poll` seconds; `Loop.wake` after a push webhook looks at once."""
    return Loop("sync", sync.run_once, pause=poll)
