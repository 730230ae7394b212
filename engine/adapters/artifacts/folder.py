"""Files in a folder, of this machine or of a network disk that all machines see."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import NoReturn

from engine.adapters.artifacts.content import copied
from engine.app.artifact_ports import Content
from engine.errors import NotFound, Unavailable

ABANDONED = 3600.0
"""Seconds without a byte after which nobody writes a file any more."""


class Folder:
    """Implements `engine.app.artifact_ports.Files`. Made when the first file is kept."""

    def __init__(self, root: str) -> None:
        self._root = Path(root)
        self._unfinished = self._root / "unfinished"

    def keep(self, digest: str, size: int, content: Content) -> None:
        """See the port. A file comes to be whole, or not at all."""
        place = self._place(digest)
        try:
            if place.is_file() and place.stat().st_size == size:
                return
            for folder in (place.parent, self._unfinished):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _forget_abandoned(self._unfinished)
            with NamedTemporaryFile(dir=self._unfinished, delete=False) as made:
                try:
                    copied(content, made, digest)
                    made.flush()
                    os.fsync(made.fileno())
                    Path(made.name).replace(place)
                except BaseException:
                    with suppress(OSError):
                        Path(made.name).unlink()
                    raise
            _sync(place.parent)
        except OSError as error:
            _refuse(error)

    @contextmanager
    def open(self, digest: str) -> Iterator[Content]:
        """See the port."""
        try:
            found = self._place(digest).open("rb")
        except FileNotFoundError:
            raise NotFound("file", digest) from None
        except OSError as error:
            _refuse(error)
        with found:
            yield found

    def delete(self, digests: Collection[str]) -> None:
        """See the port."""
        try:
            for digest in digests:
                self._place(digest).unlink(missing_ok=True)
        except OSError as error:
            _refuse(error)

    def _place(self, digest: str) -> Path:
        return self._root / digest[:2] / digest


def _forget_abandoned(folder: Path) -> None:
    """Halves of files whose workers were killed: nothing has been written to them for long."""
    with os.scandir(folder) as halves:
        found = list(halves)
    for half in found:
        with suppress(FileNotFoundError):  # another worker looks too
            if time.time() - half.stat().st_mtime > ABANDONED:
                Path(half.path).unlink()


def _sync(folder: Path) -> None:
    """A name survives a power failure only once its folder is on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _refuse(error: OSError) -> NoReturn:
    raise Unavailable("the folder of artifacts", error.strerror or str(error)) from None
