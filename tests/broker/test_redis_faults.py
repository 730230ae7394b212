"""What Redis does to us, and what survives (RELIABILITY B1, R3, R5, R6, R16)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from threading import Thread
from typing import Any

import pytest
import redis

from engine.adapters.broker.connect import Broker
from engine.adapters.broker.consumer import LATE
from engine.adapters.broker.redis_scripts import BEAT, FETCH
from engine.app.records import Message
from engine.errors import Unavailable
from tests.broker.conftest import read, take_all
from tests.broker.test_leases import ask, fetched
from tests.broker.test_queues import commands, numbers
from tests.broker.test_signals import waiter
from tests.servers import RedisServer, wait_until

pytestmark = pytest.mark.redis


@pytest.fixture
def client(redis_url: str):
    with redis.Redis.from_url(redis_url) as connection:
        yield connection


@pytest.fixture
def broker(redis_url: str, open_broker: Callable[[str], Broker]) -> Broker:
    return open_broker(redis_url)


@pytest.fixture
def other(redis_url: str, open_broker: Callable[[str], Broker]) -> Broker:
    return open_broker(redis_url)


def die(broker: Broker) -> None:
    """As if by SIGKILL: no more signs of life, nothing given back."""
    broker.dramatiq._transport._heart.stop()


def test_a_dead_readers_messages_come_back_to_a_living_one(broker: Broker, other: Broker):
    broker.publisher.publish(commands(3))
    assert len(take_all(read(broker, "tasks"))) == 3
    survivor = read(other, "tasks")
    assert take_all(survivor) == []
    die(broker)
    found: list[int] = []
    wait_until(lambda: found.extend(numbers(take_all(survivor))) or sorted(found) == [0, 1, 2], what="the return")


def test_a_reader_of_another_queue_brings_them_back_too(broker: Broker, other: Broker, client: redis.Redis):
    broker.publisher.publish(commands(2))
    take_all(read(broker, "tasks"))
    take_all(read(other, "notifications"))
    die(broker)
    wait_until(lambda: client.llen("headrace:tasks") == 2, what="the return")


def test_a_living_reader_keeps_its_messages(broker: Broker, other: Broker):
    broker.publisher.publish(commands(1))
    take_all(read(broker, "tasks"))
    survivor = read(other, "tasks")
    deadline = time.monotonic() + 1  # three times as long as silence would be allowed
    while time.monotonic() < deadline:
        assert take_all(survivor) == []


def test_what_a_dead_reader_settled_late_is_not_done_twice(broker: Broker, other: Broker, client: redis.Redis):
    broker.publisher.publish(commands(2))
    held = take_all(read(broker, "tasks"))
    take_all(read(other, "tasks"))
    die(broker)
    wait_until(lambda: client.llen("headrace:tasks") == 2, what="the return")
    broker.settle(ack=held)
    assert take_all(read(other, "tasks")) == []
    assert client.keys("headrace:__acks__*") == []


def test_leaving_gives_messages_back_at_once(broker: Broker, other: Broker):
    broker.publisher.publish(commands(2))
    take_all(read(broker, "tasks"))
    broker.close()
    assert sorted(numbers(take_all(read(other, "tasks")))) == [0, 1]


def test_messages_whose_fetch_reply_was_lost_come_back(broker: Broker, client: redis.Redis):
    broker.publisher.publish(commands(3))
    consumer = read(broker, "tasks", window=2)
    held = take_all(consumer)
    transport = broker.dramatiq._transport
    client.register_script(FETCH)(["headrace"], [transport.broker_id, "tasks", 10, 300])  # done there, unknown here
    consumer._adrift = True
    broker.dramatiq.queues["tasks"].finished(held[0])
    assert numbers(take_all(consumer)) == [2]
    broker.settle(ack=held)


def wake(broker: Broker, client: redis.Redis, queue: str = "tasks") -> None:
    """As if its connection broke between the message that woke it and the fetch behind."""
    client.lmove(
        f"headrace:{queue}", f"headrace:__woken__.{broker.dramatiq._transport.broker_id}.{queue}", "LEFT", "LEFT"
    )


def read_in_earnest(broker: Broker) -> None:
    """As a worker reads, of which others hear with the first heartbeat."""
    broker.dramatiq.reading("tasks", 8)
    assert take_all(read(broker, "tasks")) == []
    wait_until(lambda: [one.workers for one in broker.figures() if one.queue == "tasks"] == [1], what="a heartbeat")


def test_a_message_wakes_one_reader(broker: Broker, other: Broker, client: redis.Redis):
    found = []
    sleepers = [
        Thread(target=lambda one=one: found.append(one.dramatiq._transport.fetch("tasks", 10, 20)))
        for one in (broker, other)
    ]
    for sleeper in sleepers:
        sleeper.start()
    wait_until(lambda: sum("b" in one["flags"] for one in client.client_list()) == 2, what="both to sleep")
    for count in (1, 2):
        broker.publisher.publish(commands(1))
        wait_until(lambda count=count: len(found) == count, what="one to wake")
    for sleeper in sleepers:
        sleeper.join()
    assert [len(messages) for messages in found] == [1, 1]


@pytest.mark.parametrize("priority", [0, 3])
def test_what_woke_a_reader_that_did_not_fetch_is_there_for_its_next_fetch(
    broker: Broker, client: redis.Redis, priority
):
    broker.publisher.publish([replace(one, body=one.body | {"priority": priority}) for one in commands(2)])
    wake(broker, client)
    assert sorted(numbers(take_all(read(broker, "tasks")))) == [0, 1]


def test_what_woke_a_reader_that_died_comes_back_with_its_body(broker: Broker, other: Broker, client: redis.Redis):
    """Nothing else waits, and nothing is unacknowledged: its queue is not at rest all the same."""
    read_in_earnest(broker)
    broker.publisher.publish(commands(1))
    wake(broker, client)
    client.register_script(BEAT)(["headrace"], ["somebody", 60_000, "tasks 8"])
    assert client.hlen("headrace:tasks.msgs") == 1
    survivor = read(other, "tasks")
    assert take_all(survivor) == []
    die(broker)
    found: list[int] = []
    wait_until(lambda: found.extend(numbers(take_all(survivor))) or found == [0], what="the return")


def test_what_woke_a_reader_that_leaves_comes_back_at_once(broker: Broker, other: Broker, client: redis.Redis):
    read_in_earnest(broker)
    broker.publisher.publish(commands(1))
    wake(broker, client)
    broker.close()
    assert numbers(take_all(read(other, "tasks"))) == [0]


def test_leases_taken_by_a_fetch_whose_reply_was_lost_are_free_again(broker: Broker, other: Broker):
    """But not those of messages that came with it and are doubles of what is at work here."""
    ask(broker, "busy")
    consumer = read(broker, "tasks", window=9)
    held = take_all(consumer)
    ask(broker, "busy", "lost")
    broker.dramatiq._transport.fetch("tasks", 10, 0)  # done there; who asked learns nothing of it
    assert list(broker.leases.held(["i/busy/1", "i/lost/1"])) == [True, True]
    broker.dramatiq._transport.requeue_others("tasks", {message.message_id for message in held})
    assert sorted(fetched(other)) == [("busy", "lost"), ("lost", "ours")]


def test_leases_of_a_reader_that_leaves_are_free_again(broker: Broker, other: Broker):
    ask(broker, "a")
    assert fetched(broker) == [("a", "ours")]
    broker.close()
    assert fetched(other) == [("a", "ours")]


def test_an_answer_that_comes_late_is_as_good_as_lost(broker: Broker, other: Broker, monkeypatch: pytest.MonkeyPatch):
    """Its reader was stopped while it waited: others may be at work on what it says, and hold the leases."""
    ask(broker, "a", "b")
    transport, consumer = broker.dramatiq._transport, read(broker, "tasks")
    fetch, now = transport.fetch, time.monotonic

    def stopped(*arguments: Any) -> Any:
        found = fetch(*arguments)
        monkeypatch.setattr("engine.adapters.broker.consumer.time.monotonic", lambda: now() + LATE + 1)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(transport, "fetch", stopped)
        assert next(consumer) is None
    assert not broker.dramatiq.queues["tasks"].unsettled()
    assert sorted(fetched(other)) == [("a", "ours"), ("b", "ours")]


def test_wiping_redis_changes_the_generation_and_nothing_breaks(broker: Broker, client: redis.Redis):
    before = broker.publisher.generation()
    broker.publisher.publish(commands(2))
    consumer = read(broker, "tasks")
    held = take_all(consumer)
    client.flushdb()
    assert broker.publisher.generation() != before
    broker.settle(publish=[Message(queue="tasks", body={"number": 9})], ack=held)
    consumer.requeue(held)
    assert numbers(take_all(consumer)) == [9]


def test_bodies_without_ids_are_collected_when_the_queue_rests(broker: Broker, client: redis.Redis):
    broker.publisher.publish(commands(1))
    (held,) = take_all(read(broker, "tasks"))
    client.hset("headrace:tasks.msgs", "orphan", b"{}")
    beat = client.register_script(BEAT)
    beat(["headrace"], ["somebody", 60_000, "tasks 8"])
    assert client.hlen("headrace:tasks.msgs") == 2
    broker.settle(ack=[held])
    beat(["headrace"], ["somebody", 60_000, "tasks 8"])
    assert client.hlen("headrace:tasks.msgs") == 0


def test_what_is_not_a_message_is_dropped(broker: Broker, client: redis.Redis):
    client.hset("headrace:tasks.msgs", mapping={"a": b"\xff", "b": b"[]", "c": b"{}", "d": b'{"args": []}'})
    client.rpush("headrace:tasks", "a", "b", "c", "d", "without body")
    broker.publisher.publish(commands(1))
    (message,) = take_all(read(broker, "tasks"))
    broker.settle(ack=[message])
    assert client.keys("headrace:tasks*") == []


def test_nothing_stays_in_redis_after_all_is_settled(broker: Broker, client: redis.Redis):
    broker.publisher.publish(commands(300))
    broker.settle(ack=take_all(read(broker, "tasks", window=512)))
    assert client.keys("headrace:tasks*") == []
    assert client.keys("headrace:__acks__*") == []


def test_an_outage_is_unavailable_and_ends(broker: Broker, redis_server: RedisServer):
    consumer = read(broker, "tasks")
    assert next(consumer) is None
    redis_server.stop()
    try:
        for attempt in (
            lambda: broker.publisher.publish(commands(1)),
            broker.publisher.generation,
            broker.ping,
            lambda: broker.leases.renew(["a"]),
            lambda: broker.leases.held(["a"]),
            lambda: broker.signals.changed(["a"]),
        ):
            with pytest.raises(Unavailable, match="Redis"):
                attempt()
        assert next(consumer) is None  # the reader lives on
    finally:
        redis_server.start()
    broker.publisher.publish(commands(1))
    assert numbers(take_all(consumer)) == [0]


def test_waiters_look_again_after_an_outage(broker: Broker, redis_server: RedisServer):
    assert broker.signals.wait("a", 5)  # listening begins
    thread, heard = waiter(broker, "a", patience=60)
    redis_server.stop()
    redis_server.start()
    thread.join(60)
    assert heard == [True]


def test_what_is_dropped_late_leaves_its_next_reader_the_message(broker: Broker, other: Broker):
    """It went back while the first reader was stopped. If the second one dies, a third needs its body."""
    broker.publisher.publish(commands(2))
    (gone, held) = take_all(read(broker, "tasks"))
    broker.dramatiq._transport.requeue("tasks", [gone.message_id])
    assert numbers(take_all(read(other, "tasks"))) == [0]
    for message in (gone, held):
        broker.dramatiq.drop(message)
    broker.close()
    other.dramatiq._transport.requeue("tasks", [gone.message_id, held.message_id])
    assert numbers(take_all(read(other, "tasks"))) == [0]
