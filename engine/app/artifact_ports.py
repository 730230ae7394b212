"""What files between tasks need to be kept: ports, and rows as the use cases see them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

YOUNG = 60 * 60 * 1000
"""Milliseconds for which no content is thrown away that somebody has reserved, or that was referred to until then."""


class Content(Protocol):
    """Bytes to be read once, from the first to the last."""

    def read(self, size: int = -1, /) -> bytes:
        """At most so many; none at the end."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One file that an attempt left. `file` is its path in the folder of the task, `root` the part of it that the name stands for."""

    id: str
    instance: str
    path: str
    attempt: int
    name: str
    file: str
    root: str = ""
    """The folder that the fixed part of the pattern leads to: `dist` for `dist/*.js`."""
    executable: bool = False
    digest: str
    """SHA-256 in hex, by which the content is kept."""
    size: int
    at: int = 0


class Files(Protocol):
    """Contents by digest. What was kept is there until it is deleted, and never changes."""

    def keep(self, digest: str, size: int, content: Content) -> None:
        """Durably, unless it is there already. Raises Conflict if the content is not of this digest."""
        ...

    def open(self, digest: str) -> AbstractContextManager[Content]:
        """Raises NotFound."""
        ...

    def delete(self, digests: Collection[str]) -> None:
        """As far as they are there."""
        ...


class ArtifactStore(Protocol):
    """Which instance has which files, in the instances DB.

    A content is reserved before it is kept, so that it cannot be thrown away before something refers to it.
    """

    def reserve(self, contents: Mapping[str, int]) -> None:
        """These digests, with their sizes, are about to be kept: they stay for at least `YOUNG`."""
        ...

    def put(
        self, instance: str, path: str, attempt: int, files: Sequence[Artifact], *, most: int | None = None
    ) -> None:
        """The files of an attempt, instead of those it had. `at` is set to the database's time.

        Raises TooLarge if the instance then had more than `most` bytes, Conflict if a content was reserved so long ago
        that it is gone.
        """
        ...

    def size(self, instance: str, *, without: tuple[str, int] | None = None) -> int:
        """Bytes of all files of an instance, but for those of the attempt `without` (path and number)."""
        ...

    def left(self, instance: str, path: str, *, below: bool = False) -> Sequence[Artifact]:
        """The files of all attempts of the task at a path, or with `below` of those in its scopes too."""
        ...

    def list(
        self, instance: str, *, path: str | None = None, before: str | None = None, limit: int = 50
    ) -> Sequence[Artifact]:
        """Newest first; `before` is the id of the last one seen."""
        ...

    def get(self, instance: str, id: str) -> Artifact:
        """By its id, or by its digest. Raises NotFound."""
        ...

    def collect(self, delete: Callable[[Sequence[str]], None], *, limit: int = 100) -> int:
        """Have some contents deleted that nothing refers to any more; returns how many were looked at.

        While `delete` runs nobody can reserve them; if it raises, they stay.
        """
        ...
