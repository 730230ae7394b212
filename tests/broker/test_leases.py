"""What both kinds of leases promise."""

from __future__ import annotations

import pytest

from engine.adapters.broker.connect import Broker
from engine.app.records import Message
from tests.broker.conftest import read, take_all
from tests.servers import wait_until


def test_a_lease_is_taken_once(broker: Broker):
    assert list(broker.leases.take(["a", "b"])) == ["ours", "ours"]
    assert list(broker.leases.take(["b", "c"])) == ["lost", "ours"]
    assert list(broker.leases.held(["a", "b", "c", "d"])) == [True, True, True, False]


def test_a_released_lease_is_free(broker: Broker):
    broker.leases.take(["a", "b"])
    broker.leases.release(["a"])
    assert list(broker.leases.held(["a", "b"])) == [False, True]
    assert list(broker.leases.take(["a"])) == ["ours"]


def test_a_lease_runs_out(broker: Broker):
    broker.leases.take(["a"])
    wait_until(lambda: not broker.leases.held(["a"])[0], what="the end of the lease")
    assert list(broker.leases.take(["a"])) == ["ours"]


def test_renewing_creates_a_lost_lease_again(broker: Broker):
    assert list(broker.leases.renew(["a"])) == ["ours"]
    assert list(broker.leases.held(["a"])) == [True]
    assert list(broker.leases.take(["a"])) == ["lost"]


def cancel(broker: Broker, *paths: str) -> None:
    bodies = [{"type": "CancelTask", "instance": "i", "path": path, "attempt": 1} for path in paths]
    broker.publisher.publish([Message(queue="tasks", body=body) for body in bodies])


def test_holders_learn_that_they_should_stop(broker: Broker):
    broker.leases.take(["i/a/1", "i/b/1"])
    cancel(broker, "b", "later")
    assert list(broker.leases.renew(["i/a/1", "i/b/1"])) == ["ours", "cancelled"]
    assert list(broker.leases.take(["i/later/1", "i/a/1"])) == ["cancelled", "lost"]
    assert list(broker.leases.renew(["i/later/1", "i/a/1"])) == ["cancelled", "ours"]


def test_a_cancellation_waits_in_no_queue(broker: Broker):
    """Or it would stand behind what it is to stop."""
    cancel(broker, "a")
    assert take_all(read(broker, "tasks")) == []


def test_no_keys_cost_nothing(broker: Broker):
    assert list(broker.leases.take([])) == []
    assert list(broker.leases.renew([])) == []
    assert list(broker.leases.held([])) == []
    broker.leases.release([])


@pytest.mark.redis
def test_a_lease_that_somebody_else_has_taken_is_lost(open_broker, redis_url):
    """Its holder was stopped for too long: it learns that, and neither takes the lease back nor lets it go."""
    stopped, other = open_broker(redis_url), open_broker(redis_url)
    stopped.leases.take(["a", "b"])
    stopped.leases.release(["a"])  # as if it had run out
    other.leases.take(["a"])
    assert list(stopped.leases.renew(["a", "b"])) == ["lost", "ours"]
    stopped.leases.release(["a", "b"])
    stopped.settle(release=["a"])
    assert list(other.leases.held(["a", "b"])) == [True, False]
    assert list(other.leases.renew(["a"])) == ["ours"]
    other.settle(release=["a"])
    assert list(other.leases.held(["a"])) == [False]
