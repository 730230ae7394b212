"""R2: a process may end at every point around its commits, publishings and acknowledgements: nothing is lost or done twice."""

from __future__ import annotations

import json
import subprocess
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from threading import Event

import pytest

from tests.faults.crashing import STATUS, Point, plan, points, points_of_dev
from tests.faults.ledger import Ledger
from tests.faults.loads import Load, dag
from tests.fleet import Fleet
from tests.repository import Repository

RECOVERY = 60.0
PASSED = 90.0
"""Seconds in which a process must have come past its point."""
ANSWERED = 240.0
"""Seconds in which a trigger must have been acknowledged: who answers ends again and again, often before it can."""
DAG = dag(5, seconds=0.3)
"""Longer than a notification worker waits for more before it deletes what it has published."""
TIMED = Load(
    "timed",
    """\
name: timed
tasks:
  flaky: {run: 'echo "$HEADRACE_ATTEMPT"; test $HEADRACE_ATTEMPT -ge 2', retry: {max_attempts: 5, delay: 1s}}
  pause: {uses: wait, with: {for: 1s}}
""",
    1,
)
NOTICED = json.dumps({"instance": "nobody", "scope": "", "event": {"type": "TimersDue"}})
LEAVE = f"""
    INSERT INTO outbox (id, queue, body, publish_after)
    VALUES ('{{}}', 'notifications', '{NOTICED.replace("{", "{{").replace("}", "}}")}', 0) RETURNING id"""
"""Something for the relay to publish, which changes nothing."""


def test_there_are_enough_points():
    assert len({str(point) for point in points()}) == len(points()) >= 25


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.runs(20)
def test_processes_end_at_every_point(run, begin, production, repository, tmp_path, long):
    """All kinds of process go through their points side by side; in the short form through every sixth."""
    production.arm("crashing", str(tmp_path))
    hold(begin(production, DAG, TIMED), repository, tmp_path, points()[:: 1 if long else 6])


@pytest.mark.long
@pytest.mark.runs(20)
def test_one_process_ends_at_every_point(run, begin, embedded, repository, tmp_path):
    """The same for everything in one process, on SQLite."""
    embedded.arm("crashing", str(tmp_path))
    hold(begin(embedded, DAG, TIMED), repository, tmp_path, points_of_dev())


def hold(ledger: Ledger, repository: Repository, plans: Path, chosen: list[Point]) -> None:
    """Trigger instances until all these points have been passed; then everything has to be in order."""
    commit = repository.git("rev-parse", "HEAD")
    with ledger.quiet():
        ledger.fill(DAG.name, 10, "quiet")
        ledger.deliver(commit, "quiet")
    mine: dict[str, list[Point]] = defaultdict(list)
    for point in chosen:
        mine[point.process].append(point)
    over = Event()

    def keep(what, name, pause):
        for number in range(10**6):
            if over.wait(pause):
                return
            what(f"{name}-{number}")

    def deliver(key):
        """Twice: only a repetition is looked at before it is decided."""
        for _ in range(2):
            ledger.deliver(commit, key, seconds=ANSWERED)

    with ThreadPoolExecutor(16) as pool:
        loads = [
            pool.submit(keep, lambda key: ledger.start(DAG.name, key, seconds=ANSWERED), "dag", 0.7),
            pool.submit(keep, lambda key: ledger.start(TIMED.name, key, seconds=ANSWERED), "timed", 1.0),
            pool.submit(keep, deliver, "delivered", 0.9),
            pool.submit(keep, lambda key: repository.commit(key, timed=f"{TIMED.text}# {key}\n"), "commit", 1.0),
            pool.submit(keep, lambda key: ledger.rows(LEAVE.format(key)), "left", 1.0),
        ]
        crashing = [pool.submit(crash, ledger.fleet, plans, name, mine[name]) for name in mine]
        try:
            crashed = sum((one.result() for one in as_completed(crashing)), Counter())
        finally:
            over.set()
        for one in loads:
            one.result()
    recovery = ledger.wait_for_end(RECOVERY)
    assert crashed == {str(point): 1 for point in chosen}
    ledger.check(DAG, TIMED, crashes=crashed.total(), recovery=recovery)


def crash(fleet: Fleet, plans: Path, name: str, mine: list[Point]) -> Counter[str]:
    """End a process at each of these points, starting it again each time, at last for good."""
    crashed: Counter[str] = Counter()
    fleet.kill(name)
    for point in mine:
        plan(plans, point, name)
        fleet.restart(name)
        try:
            status = fleet.processes[name].wait(PASSED)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{point} was not passed in {PASSED} s") from None
        assert status == STATUS, fleet.logs(name)
        crashed[str(point)] += 1
    plan(plans, None, name)
    fleet.restart(name)
    return crashed
