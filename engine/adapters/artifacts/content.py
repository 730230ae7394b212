"""Copies a content while checking that it is what its digest says."""

from __future__ import annotations

import hashlib
from typing import Protocol

from engine.app.artifact_ports import Content
from engine.errors import Conflict

CHUNK = 1024 * 1024


class Sink(Protocol):
    """Something to write to."""

    def write(self, data: bytes, /) -> object: ...


def copied(content: Content, sink: Sink, digest: str) -> None:
    """Raises Conflict if it is another content: then nobody may find it under the digest."""
    found = hashlib.sha256()
    while chunk := content.read(CHUNK):
        found.update(chunk)
        sink.write(chunk)
    if found.hexdigest() != digest:
        raise Conflict("the file changed while it was being kept")
