"""A kind that is made for its first task: most workers never send a request, and what that needs takes memory in all of them."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from engine.app.kinds import Call, Kind
from engine.core.values import JsonObject


class Late:
    """Stands for the kind that `make` gives, which is called once."""

    def __init__(self, make: Callable[[], Kind]) -> None:
        self._make = make
        self._made: Kind | None = None
        self._making = Lock()

    def run(self, call: Call) -> JsonObject:
        """As the kind does."""
        with self._making:
            if self._made is None:
                self._made = self._make()
        return self._made.run(call)
