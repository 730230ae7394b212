"""What both kinds of leases promise."""

from __future__ import annotations

import pytest

from engine.adapters.broker.connect import Broker
from engine.app.ports import Standing
from engine.app.records import Message
from tests.broker.conftest import read, take_all
from tests.servers import wait_until


def ask(broker: Broker, *paths: str) -> None:
    bodies = [{"type": "RunTask", "instance": "i", "path": path, "attempt": 1} for path in paths]
    broker.publisher.publish([Message(queue="tasks", body=body) for body in bodies])


def fetched(broker: Broker) -> list[tuple[str, Standing | None]]:
    """The paths of commands that are in the queue, and how their leases stand since."""
    return [(held.body["path"], held.standing) for held in take_all(read(broker, "tasks"))]


def test_a_commands_lease_is_taken_when_it_is_fetched_and_only_once(broker: Broker):
    ask(broker, "a", "b", "b")
    assert fetched(broker) == [("a", "ours"), ("b", "ours"), ("b", "lost")]
    ask(broker, "b", "c")
    assert fetched(broker) == [("b", "lost"), ("c", "ours")]
    assert list(broker.leases.held(["i/a/1", "i/b/1", "i/c/1", "i/d/1"])) == [True, True, True, False]


def test_one_that_comes_again_has_its_lease_too(broker: Broker):
    body = {"type": "RunTask", "instance": "i", "path": "a", "attempt": 1}
    broker.publisher.publish([Message(queue="tasks", body=body, attempts=2)])
    assert [(held.attempts, held.standing) for held in take_all(read(broker, "tasks"))] == [(2, "ours")]


@pytest.mark.parametrize(
    "body",
    [
        {"type": "RouteEvent", "event": "e"},
        {"type": "RunTask", "instance": "i"},
        {"type": "RunTask", "instance": 'i"}', "path": "\\", "attempt": 1},
    ],
    ids=["may be carried out twice", "incomplete", "made by hand"],
)
def test_what_has_no_lease_of_ours_is_fetched_without(broker: Broker, body: dict[str, object]):
    broker.publisher.publish([Message(queue="tasks", body=body)])
    assert [(held.body, held.standing) for held in take_all(read(broker, "tasks"))] == [(body, None)]


def test_a_notification_takes_no_lease(broker: Broker):
    body = {"type": "RunTask", "instance": "i", "path": "a", "attempt": 1}
    broker.publisher.publish([Message(queue="notifications", body=body)])
    assert [held.standing for held in take_all(read(broker, "notifications"))] == [None]


def test_what_is_put_back_gives_its_lease_back(broker: Broker):
    ask(broker, "a")
    consumer = read(broker, "tasks")
    consumer.requeue(take_all(consumer))
    assert fetched(broker) == [("a", "ours")]


def test_a_double_that_is_put_back_leaves_the_lease_to_who_is_at_work(broker: Broker):
    ask(broker, "a", "a")
    consumer = read(broker, "tasks")
    _, double = take_all(consumer)
    consumer.requeue([double])
    assert list(broker.leases.held(["i/a/1"])) == [True]
    assert fetched(broker) == [("a", "lost")]


def test_what_was_renewed_before_it_is_put_back_is_for_its_holder_to_release(broker: Broker):
    """It may be renewed for another message of the same attempt."""
    ask(broker, "a")
    consumer = read(broker, "tasks")
    held = take_all(consumer)
    broker.leases.renew(["i/a/1"])
    consumer.requeue(held)
    assert list(broker.leases.held(["i/a/1"])) == [True]


def test_a_released_lease_is_free(broker: Broker):
    ask(broker, "a", "b")
    fetched(broker)
    broker.leases.release(["i/a/1"])
    assert list(broker.leases.held(["i/a/1", "i/b/1"])) == [False, True]
    ask(broker, "a")
    assert fetched(broker) == [("a", "ours")]


def test_a_lease_runs_out(broker: Broker):
    ask(broker, "a")
    fetched(broker)
    wait_until(lambda: not broker.leases.held(["i/a/1"])[0], what="the end of the lease")
    ask(broker, "a")
    assert fetched(broker) == [("a", "ours")]


def test_renewing_creates_a_lost_lease_again(broker: Broker):
    assert list(broker.leases.renew(["i/a/1"])) == ["ours"]
    assert list(broker.leases.held(["i/a/1"])) == [True]
    ask(broker, "a")
    assert fetched(broker) == [("a", "lost")]


def cancel(broker: Broker, *paths: str) -> None:
    bodies = [{"type": "CancelTask", "instance": "i", "path": path, "attempt": 1} for path in paths]
    broker.publisher.publish([Message(queue="tasks", body=body) for body in bodies])


def test_holders_learn_that_they_should_stop(broker: Broker):
    ask(broker, "a", "b")
    fetched(broker)
    cancel(broker, "b", "later")
    assert list(broker.leases.renew(["i/a/1", "i/b/1"])) == ["ours", "cancelled"]
    ask(broker, "later", "a")
    assert fetched(broker) == [("later", "cancelled"), ("a", "lost")]
    assert list(broker.leases.renew(["i/later/1", "i/a/1"])) == ["cancelled", "ours"]


def test_a_cancellation_waits_in_no_queue(broker: Broker):
    """Or it would stand behind what it is to stop."""
    cancel(broker, "a")
    assert take_all(read(broker, "tasks")) == []


def test_no_keys_cost_nothing(broker: Broker):
    assert list(broker.leases.renew([])) == []
    assert list(broker.leases.held([])) == []
    broker.leases.release([])


@pytest.mark.redis
def test_a_lease_that_somebody_else_has_taken_is_lost(open_broker, redis_url):
    """Its holder was stopped for too long: it learns that, and neither takes the lease back nor lets it go."""
    stopped, other = open_broker(redis_url), open_broker(redis_url)
    stopped.leases.renew(["a", "b"])
    stopped.leases.release(["a"])  # as if it had run out
    other.leases.renew(["a"])
    assert list(stopped.leases.renew(["a", "b"])) == ["lost", "ours"]
    stopped.leases.release(["a", "b"])
    stopped.settle(release=["a"])
    assert list(other.leases.held(["a", "b"])) == [True, False]
    assert list(other.leases.renew(["a"])) == ["ours"]
    other.settle(release=["a"])
    assert list(other.leases.held(["a"])) == [False]
