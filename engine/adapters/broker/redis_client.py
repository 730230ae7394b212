"""Connections to Redis that fail fast, and the translation of Redis' errors into ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from engine.errors import Misconfigured, Unavailable

TIMEOUT = 2.0
"""Seconds after which Redis does not answer. Blocking reads wait for less."""


def open_client(url: str) -> redis.Redis:
    """A thread-safe pool of connections; connects when first used. Raises Misconfigured.

    redis-py's own retries are off: it repeats commands whose reply was lost, and sending is not idempotent.
    """
    try:
        return redis.Redis.from_url(
            url,
            protocol=2,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError as error:
        raise Misconfigured("HEADRACE_BROKER_URL", str(error)) from None


@contextmanager
def reaching_redis() -> Iterator[None]:
    """Raise Unavailable for whatever Redis or the way to it has against us."""
    try:
        yield
    except (redis.RedisError, OSError) as error:
        raise Unavailable("Redis", str(error)) from error
