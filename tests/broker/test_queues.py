"""What both kinds of queues promise."""

from __future__ import annotations

import threading
from dataclasses import replace

import dramatiq
import pytest

from engine.adapters.broker.connect import Broker, connect
from engine.adapters.broker.intake import Intake
from engine.app.records import Message
from engine.errors import Malformed, Misconfigured
from tests.broker.conftest import read, take_all
from tests.servers import wait_until


def commands(count: int, queue: str = "tasks") -> list[Message]:
    return [Message(queue=queue, body={"type": "RunTask", "number": n}) for n in range(count)]


def numbers(messages) -> list[int]:
    return [message.body["number"] for message in messages]


def test_messages_arrive_in_order_and_addressed_to_their_queues_actor(broker: Broker):
    broker.publisher.publish([*commands(3), Message(queue="notifications", body={"instance": "i"})])
    tasks, events = take_all(read(broker, "tasks")), take_all(read(broker, "notifications"))
    assert numbers(tasks) == [0, 1, 2]
    assert {message.actor_name for message in tasks} == {"perform"}
    assert [(message.actor_name, message.args) for message in events] == [("notify", ({"instance": "i"},))]


def test_two_sendings_of_one_message_have_different_ids(broker: Broker):
    message = commands(1)[0]
    broker.publisher.publish([message, message])
    first, second = take_all(read(broker, "tasks"))
    assert first.message_id != second.message_id
    assert first.body == second.body


def test_a_waiting_reader_wakes_when_something_is_sent(broker: Broker):
    consumer = read(broker, "tasks", timeout_ms=1500)
    found: list = []

    def look() -> None:
        while not found:
            found.append(next(consumer))

    reader = threading.Thread(target=look)
    reader.start()
    broker.publisher.publish(commands(1))
    reader.join(5)
    assert numbers(found) == [0]


def test_a_reader_that_ends_in_the_middle_of_a_fetch_leaves_it_to_the_next(broker: Broker):
    """Dramatiq starts another consumer in the same process, which Redis takes for the one that still has them."""
    broker.publisher.publish(commands(2))
    intake = Intake(window=10, admit=lambda _messages: 1 / 0)
    broker.dramatiq.serve("tasks", intake)
    with pytest.raises(ZeroDivisionError):
        next(broker.dramatiq.consume("tasks", timeout=50))
    intake.admit = lambda messages: messages
    assert sorted(numbers(take_all(broker.dramatiq.consume("tasks", timeout=50)))) == [0, 1]


def test_no_more_than_the_window_is_fetched_until_something_is_finished(broker: Broker):
    broker.publisher.publish(commands(5))
    consumer = read(broker, "tasks", window=2)
    held = take_all(consumer)
    assert numbers(held) == [0, 1]
    broker.dramatiq.queues["tasks"].finished(held[0])
    assert numbers(take_all(consumer)) == [2]
    broker.settle(ack=held)
    assert numbers(take_all(consumer)) == [3]


def test_acknowledging_a_kept_message_is_left_to_settle(broker: Broker):
    broker.publisher.publish(commands(2))
    consumer = read(broker, "tasks")
    kept, plain = take_all(consumer)
    kept.keep()
    consumer.ack(kept)
    consumer.ack(plain)
    assert broker.dramatiq.queues["tasks"].unsettled() == {kept.message_id}
    consumer.requeue([kept, plain])
    assert numbers(take_all(consumer)) == [0]


def test_settled_messages_are_gone_and_what_was_sent_with_them_is_there(broker: Broker):
    broker.publisher.publish(commands(2))
    consumer = read(broker, "tasks")
    held = take_all(consumer)
    assert list(broker.leases.renew(["a"])) == ["ours"]
    broker.settle(publish=[Message(queue="notifications", body={"number": 7})], ack=held, release=["a"], changed=["i"])
    consumer.requeue(held)
    assert take_all(consumer) == []
    assert numbers(take_all(read(broker, "notifications"))) == [7]
    assert list(broker.leases.held(["a"])) == [False]


def test_closing_a_consumer_gives_back_what_nobody_saw(broker: Broker):
    broker.publisher.publish(commands(3))
    consumer = read(broker, "tasks")
    seen = next(consumer)
    consumer.close()
    assert numbers([seen]) == [0]
    assert numbers(take_all(read(broker, "tasks"))) == [1, 2]


def test_messages_that_are_not_admitted_are_dropped(broker: Broker):
    broker.dramatiq.serve(
        "tasks", Intake(window=10, admit=lambda messages: [m for m in messages if m.body["number"] != 1])
    )
    broker.publisher.publish(commands(3))
    consumer = read(broker, "tasks")
    held = take_all(consumer)
    assert numbers(held) == [0, 2]
    assert broker.dramatiq.queues["tasks"].unsettled() == {message.message_id for message in held}
    consumer.requeue(held)
    assert numbers(take_all(consumer)) == [0, 2]


def test_whoever_gets_messages_back_hears_of_it_first(broker: Broker):
    heard: list[int] = []
    broker.dramatiq.serve("tasks", Intake(window=10, giving_back=lambda messages: heard.extend(numbers(messages))))
    broker.publisher.publish(commands(2))
    consumer = read(broker, "tasks")
    consumer.requeue(take_all(consumer))
    assert heard == [0, 1]


def test_a_message_for_an_unknown_actor_is_dropped(broker: Broker):
    broker.publisher.publish(commands(1))
    consumer = read(broker, "tasks")
    (message,) = take_all(consumer)
    consumer.nack(message)
    consumer.requeue([message])
    assert take_all(consumer) == []


@pytest.mark.parametrize("value", ["\ud800", 2**64, object()])
def test_what_is_not_json_is_refused_and_nothing_is_sent(broker: Broker, value):
    with pytest.raises(Malformed, match="cannot be written as JSON"):
        broker.publisher.publish([*commands(1), Message(queue="tasks", body={"value": value})])
    assert take_all(read(broker, "tasks")) == []


def test_an_actor_can_send_but_never_with_a_delay(broker: Broker):
    actor = dramatiq.actor(lambda _number: None, broker=broker.dramatiq, actor_name="other", queue_name="tasks")
    actor.send(4)
    (message,) = take_all(read(broker, "tasks"))
    assert (message.actor_name, message.args) == ("other", (4,))
    with pytest.raises(ValueError, match="delayed"):
        actor.send_with_options(args=(4,), delay=10)


def test_a_queue_is_served_once(broker: Broker):
    broker.dramatiq.serve("tasks", Intake(window=1))
    with pytest.raises(ValueError, match="served already"):
        broker.dramatiq.serve("tasks", Intake(window=1))


def test_the_generation_stays(broker: Broker):
    assert broker.publisher.generation() == broker.publisher.generation()
    broker.ping()


@pytest.mark.parametrize("url", ["amqp://localhost", "nothing", "redis://localhost:port"])
def test_other_urls_are_refused(url: str):
    with pytest.raises(Misconfigured, match="HEADRACE_BROKER_URL"):
        connect(url)


@pytest.mark.redis
@pytest.mark.parametrize("priority", [0, 3])
def test_of_much_that_waits_a_reader_takes_an_even_share(redis_url, open_broker, priority):
    """Whoever reads another queue is no reader of this one, even if the one's name begins with the other's."""
    brokers = [open_broker(redis_url) for _ in range(4)]
    for broker, queue in zip(brokers, ["tasks", "tasks", "tasks", "tasks.gpu"], strict=True):
        broker.dramatiq.reading(queue, 1)
        take_all(read(broker, queue))
    wait_until(lambda: [one.workers for one in brokers[0].figures() if one.queue == "tasks"] == [3])
    brokers[0].publisher.publish([replace(one, body=one.body | {"priority": priority}) for one in commands(90)])
    taken = []
    for broker in brokers[:3]:
        next(consumer := read(broker, "tasks"))
        taken.append(1 + len(consumer._ready))
    assert taken == pytest.approx([30, 20, 16], abs=1), (
        "a third of 90, of 60, and of 40 - but of few at least 16, for each fetch is a round trip"
    )
