"""One fetch at a time into a copy, over all processes of this machine; the kernel lets go when the last holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import Unavailable

PATIENCE = 10.0
"""Seconds to wait for somebody else's fetch."""


@contextmanager
def exclusive(place: Path, *, patience: float = PATIENCE) -> Iterator[int]:
    """Hold the lock of a copy; gives the descriptor, for children to keep it as long as they write.

    So a git that outlives its killed parent keeps the next one out until it is done. Raises Unavailable after `patience`.
    """
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(place / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable("the state directory", str(error)) from None
    try:
        _take(descriptor, patience)
        yield descriptor
    finally:
        os.close(descriptor)


def _take(descriptor: int, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Unavailable("the copy of the repository", "another process is fetching into it") from None
            time.sleep(0.05)
        else:
            return
