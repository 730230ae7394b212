"""R13: a message that cannot be carried out is put aside, holds up no other, and does not come back after a restart."""

from __future__ import annotations

import time

import pytest
import redis

from tests.faults import poison
from tests.faults.ledger import Ledger
from tests.faults.loads import dag
from tests.fleet import Fleet
from tests.repository import signed
from tests.servers import wait_until

COMMIT = "c" * 40
LOAD = dag(3)
DELAY = 5.0
"""Seconds by which others may be delayed."""
TRIES = 5
NEWER = "(parked_at IS NULL AND coalesce(error, '') LIKE '%unknown%')"
"""What a newer version might know: it comes again after a minute, and is parked after a quarter of an hour."""
WAITING = f"SELECT count(*) FROM outbox WHERE parked_at IS NULL AND NOT {NEWER}"
PARKED = "SELECT count(*) FROM outbox WHERE parked_at IS NOT NULL"
PUT_OFF = f"SELECT count(*) FROM outbox WHERE {NEWER}"
UNSENDABLE = "SELECT attempts FROM outbox WHERE parked_at IS NOT NULL AND error LIKE '%cannot be read%'"
HOOKS = {
    "NUL": '{"ref": "a\\u0000b"}',
    "surrogate": '{"ref": "\\ud800"}',
    "NaN": '{"ref": NaN}',
    "infinity": '{"ref": -Infinity}',
    "deep": "[" * 100_000,
    "twice": '{"ref": 1, "ref": 2}',
    "endless": '{"ref": ' + "9" * 5_000 + "}",
}


@pytest.mark.parametrize(
    "stack",
    [
        pytest.param("embedded", marks=pytest.mark.long),
        pytest.param("production", marks=[pytest.mark.postgres, pytest.mark.redis]),
    ],
)
def test_poison_is_put_aside(stack, request, begin, long):
    fleet = request.getfixturevalue(stack)
    ledger = begin(fleet, LOAD)
    with ledger.quiet():
        first = ledger.deliver(COMMIT, "quiet")
    for name, text in HOOKS.items():
        body = text.encode()
        answer = fleet.client.post(f"{fleet.hooks}/hooks/github", content=body, headers=signed(body, delivery=name))
        assert answer.status_code == 400, (name, answer.text)
    slowest = 0.0
    for turn in range(10 if long else 1):
        poisoned = _poison(ledger, first)
        for number in range(10):
            before = time.monotonic()
            instance = ledger.deliver(COMMIT, f"among-{turn}-{number}")
            fleet.wait_for_state(instance, "succeeded", seconds=60)
            slowest = max(slowest, time.monotonic() - before)
        wait_until(lambda: ledger.count(WAITING) == 0, seconds=30, what="every row to be sent or parked")
        assert ledger.rows(UNSENDABLE) == [(TRIES,)] * len(poison.UNREADABLE[ledger.kind])
        ledger.write(f"DELETE FROM outbox WHERE attempts = {TRIES}")
    fleet.wait_for_state(ledger.deliver(COMMIT, "last"), "succeeded")  # what came before it in the queues is through
    parked = ledger.count(PARKED)
    _restart(fleet, repeated=3 if long else 1)
    fleet.wait_for_state(ledger.deliver(COMMIT, "after"), "succeeded")
    if stack == "production":
        _nothing_stuck(fleet.environment["HEADRACE_BROKER_URL"])
    assert ledger.count(PARKED) == parked > 0
    assert all(process.poll() is None for process in fleet.processes.values())
    put_off = ledger.count(PUT_OFF)
    assert put_off > 0
    ledger.write(f"DELETE FROM outbox WHERE parked_at IS NOT NULL OR {NEWER}")  # they were looked at
    ledger.wait_for_end(30)
    ledger.check(LOAD, poisoned=poisoned, parked=parked, put_off=put_off, slowest_s=slowest)
    assert slowest < DELAY


def _poison(ledger: Ledger, instance: str) -> int:
    """Puts all of it into the outbox at once; gives how much."""
    rows = [("tasks", body) for body in (*poison.commands(), *poison.UNREADABLE[ledger.kind])]
    rows += [("notifications", body) for body in poison.notifications(instance)]
    values = ", ".join(f"('poison-{n}', '{queue}', '{body}', 0)" for n, (queue, body) in enumerate(rows))
    ledger.write(f"INSERT INTO outbox (id, queue, body, publish_after) VALUES {values}")
    return len(rows)


def _restart(fleet: Fleet, *, repeated: int) -> None:
    for _ in range(repeated):
        names = list(fleet.processes)
        assert [fleet.stop(name) for name in names] == [0] * len(names)
        for name in names:
            fleet.restart(name)
        fleet.wait_ready()


def _nothing_stuck(redis_url: str) -> None:
    """No queue holds a message, and no worker one that it neither carries out nor gives back."""
    with redis.Redis.from_url(redis_url) as client:
        kept = {b"string", b"zset", b"hash"}
        wait_until(
            lambda: all(client.type(key) in kept or b"__queues__" in key for key in client.scan_iter("headrace:*")),
            what="the queues to be empty",
        )
