"""What `cache` keeps of successes, and what is forgotten of it when a task is undone."""

from __future__ import annotations

from engine.core.frozen import frozen
from engine.core.keys import is_inside
from engine.core.values import Json


@frozen
class KeptOutputs:
    """A success that later runs may take."""

    workflow: str
    path: str
    key: str
    outputs: Json
    at: int


@frozen
class ForgottenOutputs:
    """Successes that no later run may take any more: of a task under a key, or of all tasks inside one."""

    workflow: str
    path: str
    key: str | None

    def covers(self, workflow: str, path: str, key: str) -> bool:
        """Whether what is kept so goes."""
        if self.workflow != workflow:
            return False
        return (self.path, self.key) == (path, key) if self.key is not None else is_inside(path, self.path)
