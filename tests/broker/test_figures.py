"""What a queue says of itself to those who watch it."""

from __future__ import annotations

import pytest
import redis

from engine.adapters.broker.connect import Broker
from engine.adapters.broker.redis_scripts import BEAT
from engine.adapters.broker.wire import sent_at
from engine.app.records import Message
from engine.workers.queue_worker import QueueWorker
from tests.broker.conftest import LEASE_MS, read, take_all
from tests.servers import wait_until


def send(broker: Broker, *priorities: int, queue: str = "tasks") -> None:
    broker.publisher.publish(
        [Message(queue=queue, body={"type": "RunTask", "priority": priority}) for priority in priorities]
    )


def figures(broker: Broker, queue: str = "tasks"):
    (found,) = [one for one in broker.figures() if one.queue == queue]
    return found


def test_what_waits_and_what_is_held_are_told_apart(broker: Broker):
    send(broker, 0, 0, 0)
    consumer = read(broker, "tasks", window=2)
    held = take_all(consumer)
    found = figures(broker)
    assert (found.waiting, found.unacknowledged) == (1, 2)
    broker.settle(ack=held)
    assert (figures(broker).waiting, figures(broker).unacknowledged) == (1, 0)


def test_messages_of_every_priority_are_counted_once(broker: Broker):
    send(broker, 5, 0, -5, 0, 5)
    assert figures(broker).waiting == 5
    consumer = read(broker, "tasks", window=1)
    for left in (4, 3, 2, 1, 0):
        (message,) = take_all(consumer)
        broker.settle(ack=[message])
        assert figures(broker).waiting == left
    assert figures(broker).oldest is None


@pytest.mark.parametrize("first", [0, 7, -7])
def test_the_age_is_that_of_the_oldest_message_of_any_priority(broker: Broker, first, monkeypatch):
    import time

    began = time.time()
    send(broker, first)
    wait_until(lambda: time.time() - began > 0.05)
    send(broker, 0, 5, -5)
    age = figures(broker).oldest
    assert 50 <= age <= (time.time() - began) * 1000 + 1
    (message,) = [one for one in take_all(read(broker, "tasks")) if one.body["priority"] == first][:1]
    broker.settle(ack=[message])


def test_a_queue_at_rest_has_no_age(broker: Broker):
    send(broker, 0)
    broker.settle(ack=take_all(read(broker, "tasks")))
    found = figures(broker)
    assert (found.waiting, found.unacknowledged, found.oldest) == (0, 0, None)


def test_queues_of_workers_own_are_there_too(broker: Broker):
    send(broker, 0, 0, queue="gpu")
    assert figures(broker, "gpu").waiting == 2


def test_who_reads_is_counted_with_its_threads(broker: Broker, broker_url, open_broker):
    brokers = [broker]
    if broker_url.startswith("redis"):
        brokers.append(open_broker(broker_url))
    workers = []
    for threads, one in enumerate(brokers, 2):
        one.dramatiq.declare_queue("tasks")
        workers.append(QueueWorker(one.dramatiq, ["tasks"], threads=threads, idle=0.05))
        workers[-1].start()
    total = sum(range(2, 2 + len(brokers)))
    wait_until(lambda: figures(broker).threads == total, what="every worker to be seen")
    assert figures(broker).workers == len(brokers)
    for worker in workers:
        worker.end(5)


@pytest.mark.redis
def test_who_left_or_died_is_not_counted_any_more(redis_url, open_broker):
    watching, leaving, dying = (open_broker(redis_url) for _ in range(3))
    for one in (leaving, dying):
        one.dramatiq.declare_queue("tasks")
        one.dramatiq.reading("tasks", 4)
        take_all(read(one, "tasks"))
    wait_until(lambda: figures(watching).workers == 2, what="both to be seen")
    leaving.close()
    assert (figures(watching).workers, figures(watching).threads) == (1, 4)
    transport = dying.dramatiq._transport
    transport._heart.stop()
    wait_until(lambda: figures(watching).workers == 0, what="the silent one to count as dead")
    client = redis.Redis.from_url(redis_url)
    client.register_script(BEAT)(["headrace"], ["somebody", LEASE_MS, ""])  # for longer than that it is silent
    assert client.hkeys("headrace:__readers__") == [b"somebody"]
    client.close()


@pytest.mark.redis
def test_a_message_of_somebody_elses_making_spoils_no_figures(redis_url, open_broker):
    broker = open_broker(redis_url)
    client = redis.Redis.from_url(redis_url)
    client.rpush("headrace:tasks", "by-hand")
    client.close()
    assert (figures(broker).waiting, figures(broker).oldest) == (1, None)
    assert sent_at("by-hand") is None
