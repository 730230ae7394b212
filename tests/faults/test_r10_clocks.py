"""R10: clocks of processes that are an hour wrong, and jump, decide nothing: the database's clock is the one."""

from __future__ import annotations

import random
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.faults.loads import Load, dag
from tests.faults.shifting import tell
from tests.fleet import DISTRIBUTED

HOUR = 3600
LATE = 5.0
"""Seconds of the database's time by which a timer may be late."""
DAG = dag(5)
TIMED = Load(
    "timed",
    """\
name: timed
tasks:
  flaky: {run: 'sleep 1.5; test $HEADRACE_ATTEMPT -ge 2', retry: {max_attempts: 5, delay: 2s}}
  pause: {uses: wait, with: {for: 3s}}
""",
    1,
)


@pytest.mark.postgres
@pytest.mark.redis
def test_wrong_clocks_that_jump(begin, production, tmp_path, long):
    chance = random.Random(10)
    for name in DISTRIBUTED:
        tell(tmp_path, name, 0)
    production.arm("shifting", str(tmp_path))
    ledger = begin(production, DAG, TIMED)
    with ledger.quiet():
        ledger.fill(DAG.name, 10, "quiet")
    over = Event()
    jumps = Thread(target=jump, args=(tmp_path, over, chance, 5 if long else 1))
    jumps.start()
    ledger.fill(TIMED.name, 100 if long else 5, "timed", threads=2)
    ledger.fill(DAG.name, 1_000 if long else 20, "dag", threads=2)
    recovery = ledger.wait_for_end(60)
    over.set()
    jumps.join()
    late = ledger.longest("pause") - 3
    ledger.check(DAG, TIMED, timer_late=late, recovery=recovery)
    assert 0 <= late <= LATE


def jump(folder: Path, over: Event, chance: random.Random, pause: float) -> None:
    """An hour ahead, an hour behind, right: each process for itself, until it is over."""
    while not over.is_set():
        for name in DISTRIBUTED:
            tell(folder, name, chance.choice((HOUR, -HOUR, 0)))
        over.wait(pause)
