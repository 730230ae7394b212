"""Where large outputs are kept: once for each instance, by digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from engine.core.values import Json


class ValueStore(Protocol):
    """In the instances DB. Values never change; they go with their instance."""

    def put(self, instance: str, values: Mapping[str, Json], *, most: int) -> None:
        """By digest; those that are there are left alone. Raises TooLarge if the instance then had more than `most` bytes."""
        ...

    def get(self, instance: str, digests: Sequence[str]) -> Mapping[str, Json]:
        """As far as they are there."""
        ...
