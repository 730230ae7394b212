"""The secrets one attempt reads, remembered so that they can be masked in all it leaves behind."""

from __future__ import annotations

from collections.abc import Collection

from engine.app.ports import Secrets


class Revealed:
    """Reads secrets for one attempt."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._read: dict[str, str] = {}

    def __call__(self, name: str) -> str:
        """The secret's value. Raises NotFound, Unavailable."""
        value = self._secrets.get(name)
        self._read[name] = value
        return value

    def values(self) -> Collection[str]:
        """All that were read so far."""
        return self._read.values()
