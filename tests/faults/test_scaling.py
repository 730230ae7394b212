"""Several of each process share the work, come and go under load, and never stand in each other's way for long."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from tests.faults import shares
from tests.faults.crowd import Crowd
from tests.faults.loads import PROJECT, Load, dag
from tests.faults.locks import watching_locks
from tests.fleet import DISTRIBUTED
from tests.servers import wait_until

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

EVEN = 0.4
"""The least that the smallest share of the work may be of the largest."""
TAKEOVER = 15.0
"""Seconds: the leader's lease of 10, and a machine that is busy."""
DAG = dag(10)
PAUSE = Load("pause", "name: pause\ntasks:\n  rest: {uses: wait, with: {for: 1s}}\n", 0)
HOLDER = "SELECT holder FROM leadership"
NOBODY = "nobody-reads-it"
TOLD = "channels: {team: {kind: email, to: [team@example.com]}}\nsync: {channel: team}\n"


@pytest.fixture(autouse=True)
def locks(postgres_server, postgres_url):
    """Whatever a test does: no deadlock, and no wait for a lock that PostgreSQL had to look into."""
    with watching_locks(postgres_server, postgres_url) as watch:
        yield watch
    assert watch.deadlocks == 0
    assert watch.logged == []


@pytest.fixture
def crowd(production):
    production.arm("shares")
    return Crowd(production)


def performed_once(crowd: Crowd, count: int) -> bool:
    """Whether so many tasks were performed, none of them twice."""
    keys = [key for lines in shares.by_process(crowd.state, "tasks").values() for key in lines]
    return len(keys) == len(set(keys)) == count


def test_the_work_is_shared_and_done_once(crowd, begin, repository, locks, long):
    """Two of each, four in the full form."""
    count, rounds = (4, 40) if long else (2, 10)
    load = shares.sleepers(40, 0.04)
    ledger = begin(crowd.fleet, load, DAG)
    for _ in range(count - 1):
        crowd.join(*DISTRIBUTED)
    commit = repository.git("rev-parse", "HEAD")
    began = time.monotonic()
    with ledger.quiet(), ThreadPoolExecutor(6) as clients:
        asked = [clients.submit(ledger.start, load.name, f"s{n}", at=crowd.api()) for n in range(rounds * count)]
        asked += [clients.submit(ledger.deliver, commit, f"d{n}", at=crowd.hook()) for n in range(rounds * count)]
        for one in asked:
            one.result()
    ledger.wait_for_end(120)
    took = time.monotonic() - began
    tasks = [len(shares.by_process(crowd.state, "tasks").get(pid, ())) for pid in crowd.pids("task-worker")]
    events = shares.amounts(crowd.state, "events", crowd.pids("notification-worker"))
    assert performed_once(crowd, rounds * count * load.tasks)
    assert len(tasks) == len(events) == count
    assert shares.fairness(tasks) > EVEN, tasks
    assert shares.fairness(events) > EVEN, events
    seen = {"sessions_waiting": f"{locks.share:.3f}", "longest_wait_ms": locks.longest}
    ledger.check(load, DAG, of_each=count, tasks=tasks, events=events, seconds=took, **seen)
    waits = sum(seen for kind, seen in locks.kinds.items() if "FROM instances" in kind)
    assert waits < locks.samples / 100, locks.kinds
    assert crowd.complaints() == []


def test_processes_join_and_leave_under_load(crowd, begin, repository, long):
    """A rolling restart of everything, while work comes in: newcomers take their part, and who leaves loses nothing."""
    load = shares.sleepers(20, 0.04)
    ledger = begin(crowd.fleet, load, DAG)
    commit, count = repository.git("rev-parse", "HEAD"), 300 if long else 60
    sent: list[str] = []

    def both(key: str) -> None:
        ledger.start(load.name, f"s{key}", at=crowd.api())
        ledger.deliver(commit, f"d{key}", at=crowd.hook())
        sent.append(key)

    def newcomers_took_part() -> bool:
        """If not, there is more to take: on a busy machine the load may be over before they are ready."""
        took = all(shares.by_process(crowd.state, "tasks").get(pid) for pid in crowd.pids("task-worker"))
        if not took:
            both(f"more-{len(sent)}")
        return took

    with ledger.quiet():
        coming = ledger.steadily(both, count, seconds=count / 10)
        for _ in range(3 if long else 1):
            crowd.join(*DISTRIBUTED)
            for command in DISTRIBUTED:
                leaves = crowd.names(command)[-1 if command == "api" else 0]
                assert crowd.leave(leaves) == 0, crowd.fleet.logs(leaves)
        coming.join()
        wait_until(newcomers_took_part, what="the newcomers to take their part")
    ledger.wait_for_end(60)
    assert performed_once(crowd, len(sent) * load.tasks)
    ledger.check(load, DAG)
    assert crowd.complaints() == []


def test_one_scheduler_leads_and_another_takes_over(crowd, begin, measured):
    """At once when the leader leaves, and when its lease is over if it is killed."""
    ledger = begin(crowd.fleet, PAUSE)
    crowd.join("scheduler", "scheduler")

    took = {}
    for end in (crowd.fleet.stop, crowd.fleet.kill):
        before = ledger.rows(HOLDER)
        pid = int(before[0][0].rsplit("-", 2)[1])
        end(next(name for name, process in crowd.fleet.processes.items() if process.pid == pid))
        began = time.monotonic()
        wait_until(lambda old=before: ledger.rows(HOLDER) not in ([], old), seconds=TAKEOVER, what="another leader")
        took[end.__name__] = time.monotonic() - began
        ledger.start("pause", end.__name__)
    ledger.wait_for_end(10)
    measured(**took)


def test_relays_share_what_was_left_and_send_it_once(crowd, begin, redis_url, long):
    count = 4 if long else 2
    ledger = begin(crowd.fleet)
    crowd.join(*["relay"] * (count - 1))
    portion, rows = 5_000 * count, 0

    def shared():
        return shares.amounts(crowd.state, "rows", crowd.pids("relay"))

    while not rows or (min(shared()) == 0 and rows < 10 * portion):  # one may have sent all before another looked
        ledger.rows(f"""INSERT INTO outbox (id, queue, body, publish_after)
            SELECT 'left-{rows}-' || n, '{NOBODY}', '{{}}', 0 FROM generate_series(1, {portion}) n RETURNING id""")
        rows += portion
        wait_until(lambda: ledger.count("SELECT count(*) FROM outbox") == 0, seconds=60, what="the outbox to drain")
    with redis.Redis.from_url(redis_url) as queues:
        assert queues.llen(f"headrace:{NOBODY}") == rows
    assert sum(shared()) == rows
    assert min(shared()) > 0, shared()


def test_sync_workers_load_each_commit_once_and_tell_its_author_once(crowd, begin, repository, mailbox):
    ledger = begin(crowd.fleet, DAG)
    crowd.join("sync-worker")
    for number in range(5):
        text = DAG.text.replace("name: dag", f"name: dag\ndescription: '{number}'")
        commit = repository.commit(f"Change {number}", project=PROJECT + TOLD, dag=text)
        loaded = f"SELECT count(*) FROM syncs WHERE commit = '{commit}' AND state = 'loaded'"
        wait_until(lambda said=loaded: ledger.count(said), seconds=20, what=f"commit {number}")
    repository.commit("Break it", dag="name: dag\ntasks: {a: {needs: b}}\n")
    wait_until(lambda: mailbox.mails, seconds=20, what="a mail")
    for name in crowd.names("sync-worker"):  # they end after the round that is under way
        assert crowd.leave(name) == 0
    assert ledger.rows("SELECT commit, state, count(*) FROM syncs GROUP BY commit, state HAVING count(*) > 1") == []
    assert len(mailbox.mails) == 1
