"""What both kinds of signals promise."""

from __future__ import annotations

import threading

from engine.adapters.broker.connect import Broker
from engine.adapters.broker.waiting import REMEMBERED, Waiting


def waiter(broker: Broker, instance: str, *, patience: float = 10) -> tuple[threading.Thread, list[bool]]:
    heard: list[bool] = []
    thread = threading.Thread(target=lambda: heard.append(broker.signals.wait(instance, patience)))
    thread.start()
    return thread, heard


def listen(broker: Broker) -> None:
    """Over Redis the first wait only begins to listen."""
    broker.signals.wait("nobody", 0.2)


def test_whoever_waits_is_woken_and_nobody_else(broker: Broker):
    listen(broker)
    thread, heard = waiter(broker, "a")
    broker.signals.changed(["b", "a"])
    thread.join(5)
    assert heard == [True]
    assert not broker.signals.wait("c", 0.05)


def test_a_hint_just_before_the_wait_counts_once(broker: Broker):
    listen(broker)
    broker.settle(changed=["a"])
    assert broker.signals.wait("a", 2)
    assert not broker.signals.wait("a", 0.05)


def test_all_waiters_for_one_instance_wake(broker: Broker):
    listen(broker)
    waiters = [waiter(broker, "a") for _ in range(3)]
    for thread, heard in waiters:
        while thread.is_alive() and not heard:
            broker.signals.changed(["a"])
            thread.join(0.02)
    assert [heard for _, heard in waiters] == [[True]] * 3


def test_hints_that_nobody_wants_are_forgotten():
    waiting = Waiting()
    waiting.wake([str(n) for n in range(REMEMBERED + 1)])
    assert not waiting.wait("0", 0)
    assert waiting.wait(str(REMEMBERED), 0)


def test_giving_up_leaves_nothing_behind():
    waiting = Waiting()
    assert not waiting.wait("a", 0.01)
    assert waiting._waiters == {}
