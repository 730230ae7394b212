"""A fetched message until it is acknowledged, by Dramatiq or, once somebody kept it, by that somebody."""

from __future__ import annotations

import time
from typing import Any

from dramatiq import Message
from dramatiq.broker import MessageProxy

from engine.adapters.broker.wire import ATTEMPTS
from engine.app.ports import Standing
from engine.core.values import JsonObject


class Held(MessageProxy):
    """A message in this process. After `keep`, Dramatiq's acknowledgement does nothing and `Broker.settle` does it instead."""

    def __init__(
        self,
        message: Message[Any],
        *,
        queued: bool = True,
        standing: Standing | None = None,
        since: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message_id = message.message_id  # asked for many times: the proxy's own way to a field is a slow one
        self.queue_name = message.queue_name
        self.kept = False
        self.standing = standing
        """Of the lease that was taken when it was fetched."""
        self.since = time.monotonic() if since is None else since
        """When it was asked for, in monotonic seconds: it, and its lease, have been here for no longer."""
        self.queued = queued
        """Whether it came from its queue, which has to hear what becomes of it."""

    @property
    def body(self) -> JsonObject:
        """The command or notification."""
        body: JsonObject = self._message.args[0]
        return body

    @property
    def attempts(self) -> int:
        """How many could not read it before."""
        attempts: int = self._message.options.get(ATTEMPTS, 0)
        return attempts

    def keep(self) -> None:
        """Take over the acknowledgement: the outcome waits for its batch."""
        self.kept = True


def came_by_queue(message: MessageProxy) -> bool:
    """Others can have it as soon as it is given back; what was handed over within this process is left to its row."""
    return isinstance(message, Held) and message.queued
