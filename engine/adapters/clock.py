"""The system's clock, for SQLite and for loops; on PostgreSQL the database's own clock is the one that counts."""

from __future__ import annotations

import time


class SystemClock:
    """Implements `engine.app.ports.Clock`."""

    def now(self) -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000
