"""Calls that come together are taken together; none waits for company, none is forgotten, and there is an end to their number."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from threading import Event

import pytest

from engine.app.receive import Received
from engine.app.records import DeliveryResult, NewDelivery
from engine.errors import Invalid, Unavailable
from webhooks import gathering
from webhooks.gathering import Gathering


class Gate:
    """A receiver that holds a group until it may go on."""

    def __init__(self, outcome: Callable[[NewDelivery], Received | Exception] | None = None) -> None:
        self.groups: list[list[str]] = []
        self.open = Event()
        self.entered = Event()
        self._outcome = outcome or _started

    def receive(self, calls: Sequence[NewDelivery]) -> Sequence[Received | Exception]:
        self.groups.append([call.id for call in calls])
        self.entered.set()
        assert self.open.wait(10)
        return [self._outcome(call) for call in calls]


def _started(call: NewDelivery) -> Received:
    return Received(result=DeliveryResult(id=call.id, state="started"), duplicate=False)


def call(name: str, size: int = 2) -> NewDelivery:
    return NewDelivery(id=name, source="s", provider="hmac", event="", headers={}, body=b"x" * size)


async def _behind_one(gate: Gate, gathered: Gathering, calls: Sequence[NewDelivery]) -> list[object]:
    """One is under way when the others come."""
    first = asyncio.create_task(gathered.take(call("first")))
    await asyncio.to_thread(gate.entered.wait, 10)
    others = [asyncio.create_task(gathered.take(each)) for each in calls]
    await asyncio.sleep(0)  # all have come
    gate.open.set()
    await first
    return await asyncio.gather(*others, return_exceptions=True)


def test_what_comes_while_a_group_is_at_work_is_the_next(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gathering, "MOST", 3)
    gate = Gate()
    answers = asyncio.run(_behind_one(gate, Gathering(gate), [call(name) for name in "abcd"]))
    assert gate.groups == [["first"], ["a", "b", "c"], ["d"]]
    assert [one.result.id for one in answers if isinstance(one, Received)] == list("abcd")


def test_each_gets_its_own_answer():
    bad = Invalid("not this one")
    gate = Gate(lambda one: bad if one.id == "b" else _started(one))
    answers = asyncio.run(_behind_one(gate, Gathering(gate), [call(name) for name in "abc"]))
    assert [one if isinstance(one, Exception) else one.result.id for one in answers] == ["a", bad, "c"]


def test_an_error_that_nobody_foresaw_leaves_nobody_waiting():
    gate = Gate(lambda _: 1 / 0)
    gate.open.set()
    gathered = Gathering(gate)

    async def both() -> list[object]:
        return await asyncio.gather(*(gathered.take(call(name)) for name in "ab"), return_exceptions=True)

    for _ in range(2):
        assert [type(one) for one in asyncio.run(both())] == [ZeroDivisionError] * 2


def test_a_thread_that_cannot_be_had_leaves_nobody_waiting(monkeypatch: pytest.MonkeyPatch):
    gate = Gate()
    gate.open.set()
    gathered = Gathering(gate)

    async def no_thread(*_given: object) -> None:
        raise RuntimeError("can't start new thread")

    async def first_without() -> list[object]:
        with monkeypatch.context() as patch:
            patch.setattr(asyncio, "to_thread", no_thread)
            (failed,) = await asyncio.gather(gathered.take(call("a")), return_exceptions=True)
        return [failed, await asyncio.wait_for(gathered.take(call("b")), 10)]

    failed, taken = asyncio.run(first_without())
    assert isinstance(failed, RuntimeError)
    assert isinstance(taken, Received)


@pytest.mark.parametrize("bound", ["ROOM", "ROOM_BYTES"])
def test_what_there_is_no_room_for_has_to_come_again(monkeypatch: pytest.MonkeyPatch, bound: str):
    monkeypatch.setattr(gathering, bound, 2)
    gate = Gate()
    answers = asyncio.run(_behind_one(gate, Gathering(gate), [call(name, size=1) for name in "abc"]))
    assert [type(one) for one in answers] == [Received, Received, Unavailable]
    gate = Gate()
    answers = asyncio.run(_behind_one(gate, Gathering(gate), [call("large", size=5), call("small")]))
    assert isinstance(answers[0], Received)
