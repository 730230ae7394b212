"""Between many calls that wait for an answer and the database: whatever has gathered is taken together, by one thread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from engine.app.receive import Received
from engine.app.records import NewDelivery
from engine.errors import Unavailable

MOST = 128
"""Calls in a group."""

ROOM = 1_024
"""Calls that may wait."""

ROOM_BYTES = 64 * 1024 * 1024
"""Bytes of their bodies; one alone may have more."""


class Receives(Protocol):
    """`engine.app.receive.Receiver`."""

    def receive(self, calls: Sequence[NewDelivery]) -> Sequence[Received | Exception]: ...


class Gathering:
    """Belongs to one event loop. A call that meets no other is taken at once; while a group is at work the next gathers."""

    def __init__(self, receiver: Receives) -> None:
        self._receiver = receiver
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0
        self._group: asyncio.Task[None] | None = None

    async def take(self, call: NewDelivery) -> Received:
        """What came of it, once that is durable. Raises what `receive` gives for it, Unavailable if too many wait."""
        if self._waiting and (len(self._waiting) >= ROOM or self._bytes + len(call.body) > ROOM_BYTES):
            raise Unavailable("the webhooks process", "more calls wait than it has room for")
        answer: asyncio.Future[Received] = asyncio.get_running_loop().create_future()
        self._waiting.append((call, answer))
        self._bytes += len(call.body)
        if self._group is None:
            self._group = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        """Group after group, for as long as somebody waits."""
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
            calls = [call for call, _ in group]
            self._bytes -= sum(len(call.body) for call in calls)
            outcomes = await self._received(calls)
            for (_, answer), outcome in zip(group, outcomes, strict=True):
                _give(answer, outcome)
        self._group = None

    async def _received(self, calls: Sequence[NewDelivery]) -> Sequence[Received | Exception]:
        try:
            return await asyncio.to_thread(self._receiver.receive, calls)
        except Exception as error:  # noqa: BLE001 - nobody may be left waiting, whatever it is: also if no thread can be had
            return [error] * len(calls)


_Waiting = tuple[NewDelivery, "asyncio.Future[Received]"]


def _give(answer: asyncio.Future[Received], outcome: Received | Exception) -> None:
    if answer.done():  # the server ends, and has given up on this call
        return
    if isinstance(outcome, Exception):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
