"""Reads the body of an answer without trusting it: bounded before and after decompression."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from engine.app.kinds import Failed

LIMIT = 1024 * 1024
"""Bytes of a body, decompressed (RELIABILITY B7)."""
_ANY_HEADER = 47
"""zlib's `wbits` for gzip or zlib, whichever comes."""


def read(chunks: Iterable[bytes], encoding: str) -> bytes:
    """The whole body. Raises Failed: `response_too_large`, or `network` for a body that is not in its own encoding."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return _joined(chunks)
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise Failed("network", f"the answer is encoded as {encoding!r}, which was not asked for")
    try:
        return _inflated(_joined(chunks))
    except zlib.error:
        raise Failed("network", f"the answer says it is {encoding} and is not") from None


def _joined(chunks: Iterable[bytes]) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > LIMIT:
            raise _too_large()
    return bytes(body)


def _inflated(packed: bytes) -> bytes:
    body = bytearray()
    while packed:
        inflater = zlib.decompressobj(_ANY_HEADER)
        # One byte more than fits is enough to know: a bomb is never unpacked.
        body += inflater.decompress(packed, LIMIT + 1 - len(body))
        if len(body) > LIMIT:
            raise _too_large()
        if not inflater.eof:
            raise Failed("network", "the answer ended in the middle of its compressed body")
        packed = inflater.unused_data  # gzip may hold several members
    return bytes(body)


def _too_large() -> Failed:
    return Failed("response_too_large", f"the answer is larger than {LIMIT} bytes", {"limit": LIMIT})
