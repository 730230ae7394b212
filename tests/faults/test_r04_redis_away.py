"""R4: retries and timers outlive a Redis that is away while they are due: the database keeps them."""

from __future__ import annotations

import time
from threading import Thread

import pytest

from tests.faults.loads import Load

LATE = 15.0
"""Seconds after its time that a timer may take effect."""

WAITING = Load(
    "waiting",
    """\
name: waiting
tasks:
  flaky: {run: 'sleep 0.5; test $HEADRACE_ATTEMPT -ge 3', retry: {max_attempts: 5, delay: 1s}}
  pause: {uses: wait, with: {for: 4s}}
  after: {needs: [flaky, pause], run: 'true'}
""",
    2,
)
FAILED = "SELECT count(*) FROM history WHERE accepted AND event->>'type' = 'TaskFailed'"


@pytest.mark.postgres
@pytest.mark.redis
def test_tasks_fail_and_wait_while_redis_is_away(begin, production, redis_server, long):
    away, count = (8, 50) if long else (4, 10)
    ledger = begin(production, WAITING)
    with ledger.quiet():
        ledger.fill(WAITING.name, count - 5, "before")
    redis_server.stop()
    meanwhile = Thread(target=ledger.fill, args=(WAITING.name, 5, "meanwhile"))
    meanwhile.start()
    time.sleep(away)
    redis_server.start()
    meanwhile.join()
    recovery = ledger.wait_for_end(60)
    late = ledger.longest("pause") - 4
    retried = ledger.count(FAILED)
    ledger.check(WAITING, retried=retried, timer_late=late, recovery=recovery)
    assert retried == 2 * count, "an attempt that failed was lost, or counted twice"
    assert late <= LATE
