"""The secrets one attempt reads, remembered so that they can be masked in all it leaves behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.app.ports import Secrets
from engine.errors import NotFound


class Revealed(Mapping[str, str]):
    """A map of secrets that reads one when it is asked for. Iterating gives those that were read."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._read: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        if name not in self._read:
            self._read[name] = self._secrets.get(name)
        return self._read[name]

    def __contains__(self, name: object) -> bool:
        try:
            return isinstance(name, str) and bool(self[name])
        except NotFound:
            return False

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)
