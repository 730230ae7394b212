"""R9: what a worker did that was stopped for longer than its lease counts for nothing: its follower's completion is the one."""

from __future__ import annotations

import os
import signal

import pytest

from tests.faults.loads import mixed
from tests.servers import wait_until

TAKEN_OVER = "somebody else has taken over"
STARTED = "SELECT count(*) FROM history WHERE accepted AND event->>'type' = 'TaskStarted'"
REFUSED = "SELECT count(*) FROM history WHERE NOT accepted AND event->>'type' = 'TaskSucceeded'"


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.parametrize(
    "woken", [pytest.param("while its follower is at it", marks=pytest.mark.long), "when its follower is done"]
)
def test_a_worker_stopped_for_longer_than_its_lease(begin, production, tmp_path, long, woken):
    count = 25 if long else 3
    ran = tmp_path / "ran"
    stopped = mixed(ran, seconds=4)
    ledger = begin(production, stopped, HEADRACE_TASK_THREADS=str(2 * count))
    with ledger.quiet():
        ledger.fill(stopped.name, count, "stopped")
    wait_until(lambda: ledger.count(STARTED) == count, seconds=20, what="long tasks")
    worker = production.processes["task-worker"]
    os.kill(worker.pid, signal.SIGSTOP)
    production.start("task-worker 2", "task-worker")
    if woken == "when its follower is done":
        wait_until(ledger.ended, seconds=90, what="the follower")
    else:
        wait_until(lambda: ran.read_text().count("\n") == 2 * count, seconds=60, what="the follower")
    os.kill(worker.pid, signal.SIGCONT)
    ledger.wait_for_end(60)

    def refused() -> int:
        """At the worker, which finds somebody else's lease, or in the database, which has a completion already."""
        return len({line["lease"] for line in production.said("task-worker", TAKEN_OVER)}) + ledger.count(REFUSED)

    wait_until(lambda: refused() == count, what=f"{count} stale completions to be refused")
    ledger.check(stopped, stale_completions_refused=refused())
