"""Leases in Redis: hints about who is at work on what."""

from __future__ import annotations

from collections.abc import Sequence

import redis

from engine.adapters.broker.redis_client import reaching_redis
from engine.adapters.broker.redis_names import Names
from engine.adapters.broker.redis_scripts import RELEASE, RENEW
from engine.adapters.broker.redis_talk import Script
from engine.app.ports import Standing

STANDINGS: tuple[Standing, ...] = ("ours", "cancelled", "lost")
"""By the numbers that scripts say them with."""


class RedisLeases:
    """`Leases` of `ms` milliseconds each, held by `owner`."""

    def __init__(self, client: redis.Redis, names: Names, *, ms: int, owner: str) -> None:
        self._client = client
        self._names = names
        self._ms = ms
        self._owner = owner
        self._renew = Script(client, RENEW)
        self._release = Script(client, RELEASE)

    def renew(self, keys: Sequence[str]) -> Sequence[Standing]:
        """One round trip: every lease set anew that nobody else has taken, every request to stop read."""
        if not keys:
            return []
        with reaching_redis():
            found: list[int] = self._renew(self._names.namespace, self._owner, self._ms, *keys)
        return [STANDINGS[code] for code in found]

    def release(self, keys: Sequence[str]) -> None:
        """Let go."""
        if keys:
            with reaching_redis():
                self._release(self._names.namespace, self._owner, *keys)

    def held(self, keys: Sequence[str]) -> Sequence[bool]:
        """Whether somebody is at work."""
        if not keys:
            return []
        with reaching_redis():
            values: list[bytes | None] = self._client.mget([self._names.lease(key) for key in keys])  # type: ignore[assignment]  # redis-py's types are those of both its clients
        return [value is not None for value in values]
