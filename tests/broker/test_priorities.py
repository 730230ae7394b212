"""Which of the waiting messages is fetched first; the same in memory and in Redis."""

from __future__ import annotations

import threading

import pytest
import redis

from engine.adapters.broker.connect import Broker
from engine.adapters.broker.redis_scripts import BEAT
from engine.app.records import Message
from tests.broker.conftest import read, take_all


def ranked(*priorities: int) -> list[Message]:
    return [
        Message(queue="tasks", body={"type": "RunTask", "number": n, "priority": priority})
        for n, priority in enumerate(priorities)
    ]


def found(messages) -> list[tuple[int, int]]:
    return [(message.body["priority"], message.body["number"]) for message in messages]


def test_higher_ones_come_first_and_of_one_priority_the_oldest(broker: Broker):
    broker.publisher.publish(ranked(0, -10, 3, 0, 10, 3, -1, 10, 0))
    expected = [(10, 4), (10, 7), (3, 2), (3, 5), (0, 0), (0, 3), (0, 8), (-1, 6), (-10, 1)]
    assert found(take_all(read(broker, "tasks"))) == expected


def test_what_is_sent_later_goes_before_what_waits_with_a_lower_priority(broker: Broker):
    broker.publisher.publish(ranked(0, 0, -5, -5))
    consumer = read(broker, "tasks", window=1)
    seen = []
    for urgent in (7, None, 2, None, None, None):
        if urgent is not None:
            broker.publisher.publish(ranked(urgent))
        held = take_all(consumer)
        seen += found(held)
        broker.settle(ack=held)
    assert seen == [(7, 0), (0, 0), (2, 0), (0, 1), (-5, 2), (-5, 3)]


@pytest.mark.parametrize(("given", "counts"), [(99, 10), (-99, -10), ("high", 0), (True, 0), (None, 0)])
def test_what_is_no_priority_is_made_one(broker: Broker, given, counts):
    broker.publisher.publish(ranked(counts - 1, given, counts + 1))
    order = [message.body["number"] for message in take_all(read(broker, "tasks"))]
    assert order == {10: [1, 2, 0], -10: [2, 0, 1], 0: [2, 1, 0]}[counts]


@pytest.mark.parametrize("priority", [5, -5])
def test_a_waiting_reader_wakes_for_any_priority(broker: Broker, priority: int):
    consumer = read(broker, "tasks", timeout_ms=1_500)
    seen: list = []

    def look() -> None:
        while not seen:
            seen.extend(message for message in [next(consumer)] if message)

    reader = threading.Thread(target=look)
    reader.start()
    broker.publisher.publish(ranked(priority))
    reader.join(5)
    assert found(seen) == [(priority, 0)]


def test_several_readers_get_each_message_once_and_none_is_left(broker_url: str, open_broker):
    brokers = [open_broker(broker_url) for _ in range(2)] if broker_url != "memory://" else [open_broker(broker_url)]
    brokers[0].publisher.publish(ranked(*(n % 7 - 3 for n in range(200))))
    readers = [read(broker, "tasks", window=12) for broker in brokers]
    seen: list[int] = []
    while len(seen) < 200:
        for broker, reader in zip(brokers, readers, strict=True):
            held = take_all(reader)
            seen += [message.body["number"] for message in held]
            broker.settle(ack=held)
    assert sorted(seen) == list(range(200))


def test_what_is_put_back_keeps_its_priority(broker: Broker):
    broker.publisher.publish(ranked(0, 5, -5))
    consumer = read(broker, "tasks")
    held = take_all(consumer)
    consumer.requeue(list(reversed(held)))
    assert found(take_all(consumer)) == [(5, 1), (0, 0), (-5, 2)]


@pytest.mark.redis
def test_what_a_dead_reader_held_keeps_its_priority_and_nothing_stays_behind(redis_url: str, open_broker):
    dead, living = open_broker(redis_url), open_broker(redis_url)
    living.publisher.publish(ranked(-5, 0, 5))
    assert len(take_all(read(dead, "tasks"))) == 3
    client = redis.Redis.from_url(redis_url)
    beat = client.register_script(BEAT)
    dead.dramatiq._transport._heart.stop()
    client.zadd("headrace:__heartbeats__", {dead.dramatiq._transport.broker_id: 1})
    beat(["headrace"], ["somebody", 60_000, "tasks 8"])
    beat(["headrace"], ["somebody", 60_000, "tasks 8"])
    held = take_all(read(living, "tasks"))
    assert found(held) == [(5, 2), (0, 1), (-5, 0)]
    living.settle(ack=held)
    assert client.keys("headrace:tasks*") == []
    client.close()
