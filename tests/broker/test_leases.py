"""What both kinds of leases promise."""

from __future__ import annotations

import pytest

from engine.adapters.broker.connect import Broker
from tests.servers import wait_until


def test_a_lease_is_taken_once(broker: Broker):
    assert list(broker.leases.take(["a", "b"])) == [True, True]
    assert list(broker.leases.take(["b", "c"])) == [False, True]
    assert list(broker.leases.held(["a", "b", "c", "d"])) == [True, True, True, False]


def test_a_released_lease_is_free(broker: Broker):
    broker.leases.take(["a", "b"])
    broker.leases.release(["a"])
    assert list(broker.leases.held(["a", "b"])) == [False, True]
    assert list(broker.leases.take(["a"])) == [True]


def test_a_lease_runs_out(broker: Broker):
    broker.leases.take(["a"])
    wait_until(lambda: not broker.leases.held(["a"])[0], what="the end of the lease")
    assert list(broker.leases.take(["a"])) == [True]


def test_renewing_creates_a_lost_lease_again(broker: Broker):
    assert broker.leases.renew(["a"]) == {}
    assert list(broker.leases.held(["a"])) == [True]
    assert list(broker.leases.take(["a"])) == [False]


def test_holders_learn_that_they_should_stop(broker: Broker):
    broker.leases.take(["a", "b"])
    broker.leases.cancel(["b", "later"])
    assert broker.leases.renew(["a", "b"]) == {"b": "cancelled"}
    broker.leases.take(["later"])
    assert broker.leases.renew(["later", "a"]) == {"later": "cancelled"}


def test_no_keys_cost_nothing(broker: Broker):
    assert list(broker.leases.take([])) == []
    assert broker.leases.renew([]) == {}
    assert list(broker.leases.held([])) == []
    broker.leases.release([])
    broker.leases.cancel([])


@pytest.mark.redis
def test_a_lease_that_somebody_else_has_taken_is_lost(open_broker, redis_url):
    """Its holder was stopped for too long: it learns that, and neither takes the lease back nor lets it go."""
    stopped, other = open_broker(redis_url), open_broker(redis_url)
    stopped.leases.take(["a", "b"])
    stopped.leases.release(["a"])  # as if it had run out
    other.leases.take(["a"])
    assert stopped.leases.renew(["a", "b"]) == {"a": "lost"}
    stopped.leases.release(["a", "b"])
    stopped.settle(release=["a"])
    assert list(other.leases.held(["a", "b"])) == [True, False]
    assert other.leases.renew(["a"]) == {}
    other.settle(release=["a"])
    assert list(other.leases.held(["a"])) == [False]
