"""Reads a request's body from the network with a bound on its size and on the time it may take."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

from engine.errors import Malformed, Rejected, TooLarge

PATIENCE = 20.0
"""Seconds for a whole body, however it trickles in; senders of webhooks give up after 10 to 30."""
_LONGEST_LENGTH = 20


class TooSlow(Rejected):
    """The body did not arrive in time."""

    status = 408
    slug = "too-slow"
    title = "The body did not arrive in time"


async def read_body(request: Request, limit: int, *, patience: float = PATIENCE) -> bytes:
    """The raw body, of which never much more than `limit` bytes are held; a declared length is believed when it is too large.

    Raises TooLarge, TooSlow, Malformed (a length that is none, a sender that went away).
    """
    declared = request.headers.get("content-length", "0")
    if not (declared.isascii() and declared.isdigit()):
        raise Malformed("the Content-Length is no number")
    if len(declared) > _LONGEST_LENGTH or int(declared) > limit:
        raise TooLarge("the body", limit)
    try:
        async with asyncio.timeout(patience):
            return await _gather(request, limit)
    except TimeoutError:
        raise TooSlow(f"the body did not arrive within {patience:g} s") from None
    except ClientDisconnect:
        raise Malformed("the sender went away") from None


async def _gather(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLarge("the body", limit)
    return bytes(body)
