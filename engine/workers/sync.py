"""The process that follows a git repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.workers.loop import Loop

if TYPE_CHECKING:
    from engine.app.sync import Synchronizer

LOOK = 1.0
"""Seconds between two looks whether somebody asked for a sync."""


def sync_loop(sync: Synchronizer, *, poll: float) -> Loop:
    """Look at the repository every `poll` seconds, and within a second after somebody asked."""
    return Loop("sync", lambda: sync.look(poll), pause=min(LOOK, poll))
