"""What both kinds of leases promise."""

from __future__ import annotations

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
    assert list(broker.leases.renew(["a"])) == []
    assert list(broker.leases.held(["a"])) == [True]
    assert list(broker.leases.take(["a"])) == [False]


def test_holders_learn_that_they_should_stop(broker: Broker):
    broker.leases.take(["a", "b"])
    broker.leases.cancel(["b", "later"])
    assert list(broker.leases.renew(["a", "b"])) == ["b"]
    broker.leases.take(["later"])
    assert list(broker.leases.renew(["later", "a"])) == ["later"]


def test_no_keys_cost_nothing(broker: Broker):
    assert list(broker.leases.take([])) == []
    assert list(broker.leases.renew([])) == []
    assert list(broker.leases.held([])) == []
    broker.leases.release([])
    broker.leases.cancel([])
