"""R20: a deploy restarts one process after another under load: each is gone in time, and no task fails for it."""

from __future__ import annotations

import time

import pytest

from tests.faults.loads import Load, dag
from tests.fleet import DISTRIBUTED
from tests.servers import wait_until

COMMIT = "c" * 40
LONGEST = 30.0
"""Seconds from SIGTERM to the end."""
LOAD = dag(10, seconds=0.1)
SLOW = Load("slow", "name: slow\ntasks:\n  t: {run: 'sleep 40'}\n", 1)
"""Takes longer than a process may take to stop: another worker does it again."""
FAILED = "SELECT count(*) FROM history WHERE event->>'type' = 'TaskFailed'"


@pytest.mark.postgres
@pytest.mark.redis
def test_rolling_restarts_fail_no_task(begin, production, long):
    rolls = 20 if long else 1
    ledger = begin(production, LOAD, SLOW)
    with ledger.quiet():
        ledger.fill(LOAD.name, 10, "quiet")
    steady = ledger.steadily(
        lambda key: ledger.deliver(COMMIT, key), 400 if long else 15, seconds=120.0 if long else 3.0
    )
    ends = [_stopped(production, name) for _ in range(rolls) for name in DISTRIBUTED]
    if long:
        ledger.start(SLOW.name, "slow")
        ends += [_stopped(production, name) for name in DISTRIBUTED]
    steady.join()
    ledger.wait_for_end(90)
    assert ledger.count(FAILED) == 0
    ledger.check(LOAD, SLOW, stopped=len(ends), failed_tasks=0, longest_stop_s=max(ends))
    assert max(ends) <= LONGEST


def _stopped(fleet, name):
    """Seconds that a process took to stop; another one follows it, and is ready before the next one stops."""
    began = time.monotonic()
    assert fleet.stop(name, LONGEST + 5) == 0, fleet.logs(name)
    took = time.monotonic() - began
    starts = len(fleet.said(name, "ready"))
    fleet.restart(name)
    wait_until(lambda: len(fleet.said(name, "ready")) > starts, seconds=30, what=f"a new {name}")
    return took
