"""R23: while a fleet is upgraded, old processes get what only new ones can read: it waits for them, and holds up nobody."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.faults.ledger import Ledger
from tests.faults.loads import Load, dag
from tests.fleet import HEADRACE, Fleet
from tests.servers import wait_until

LOAD = dag(3)
OTHER = Load("other", "name: other\ntasks:\n  rest: {uses: wait, with: {for: 1s}}\n", 0)
"""All that it does can be read by old and new processes."""
PUT_OFF = "SELECT count(*) FROM outbox WHERE parked_at IS NULL AND attempts > 0 AND queue = "


@pytest.mark.postgres
@pytest.mark.redis
def test_what_a_newer_process_sends_waits_for_one_that_reads_it(begin, production, long):
    count = 200 if long else 5
    ledger = begin(production, LOAD, OTHER)
    with ledger.quiet():
        ledger.fill(LOAD.name, 5, "quiet")
        ledger.wait_for_end(30)

    _replace(production, new=["task-worker"])
    ledger.fill(LOAD.name, count, "upgraded")
    outcomes = _wait_for_new(ledger, "notifications", count)

    _replace(production, new=["notification-worker"], old=["task-worker"])
    commands = _wait_for_new(ledger, "tasks", count)

    _replace(production, new=["task-worker"])
    ledger.write("UPDATE outbox SET publish_after = 0")
    ledger.wait_for_end(60)
    ledger.check(LOAD, OTHER, outcomes_put_off=outcomes, commands_put_off=commands)


def _replace(fleet: Fleet, *, new: Sequence[str], old: Sequence[str] = ()) -> None:
    """Stop these processes; start them as the newer version, or as the older one again."""
    for name in (*new, *old):
        assert fleet.stop(name) == 0
    for name in old:
        fleet.restart(name)
    fleet.arm("tomorrow")
    for name in new:
        fleet.restart(name)
    fleet.program = HEADRACE


def _wait_for_new(ledger: Ledger, queue: str, count: int) -> int:
    """Until that many messages of a queue wait for a newer process, then have them sent again. Others go on meanwhile."""
    put_off = f"{PUT_OFF}'{queue}'"
    wait_until(lambda: ledger.count(put_off) == count, seconds=60, what=f"{count} in {queue} to be put off")
    ledger.fleet.wait_for_state(ledger.start(OTHER.name, f"beside-{queue}"), "succeeded")
    found = ledger.count(put_off)
    ledger.write("UPDATE outbox SET publish_after = 0")
    return found
