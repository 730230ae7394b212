"""What the use cases need of ways to reach people."""

from __future__ import annotations

from typing import Protocol

from engine.app.records import Outgoing


class Channel(Protocol):
    """One way to reach people."""

    def send(self, message: Outgoing) -> None:
        """Raises Unavailable (try again) or Rejected (never will)."""
        ...
