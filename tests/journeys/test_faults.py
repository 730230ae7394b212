"""The long form of what must survive faults of what we stand on: Redis wiped or away, PostgreSQL restarted, workers stopped.

RELIABILITY R3, R4, R7 and R9 on separate processes. Contract tests hold the same promises step by step: tests/app, tests/broker
and tests/workers.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

import httpx
import pytest
import redis

from tests.journeys import ledger
from tests.journeys.conftest import go
from tests.journeys.fleet import Fleet
from tests.servers import wait_until

pytestmark = [pytest.mark.long, pytest.mark.postgres, pytest.mark.redis, pytest.mark.timeout(300)]

NOOP = "{uses: python, with: {call: 'engine.adapters.kinds.noop:noop'}"
CHAIN = "name: chain\ntasks:\n" + "".join(f"  t{n}: {NOOP}{f', needs: t{n - 1}' if n else ''}}}\n" for n in range(10))
MIXED = """\
name: mixed
tasks:
  long: {{run: 'echo $HEADRACE_IDEMPOTENCY_KEY $HEADRACE_ATTEMPT >> {ran}; sleep {seconds}'}}
  flaky: {{run: 'test $HEADRACE_ATTEMPT -ge 2', retry: {{max_attempts: 5, delay: 2s}}}}
  pause: {{uses: wait, with: {{for: 3s}}}}
  after: {{needs: [long, flaky, pause], uses: values, with: {{done: true}}}}
finally:
  last: {{run: 'true'}}
"""


@pytest.fixture
def ran(tmp_path):
    """Where the long tasks say that they were carried out."""
    return tmp_path / "ran"


@pytest.fixture
def running(production, repository, ran):
    def start(*more: str, seconds: float = 2.5) -> Fleet:
        production.environment["HEADRACE_LEASE"] = "6"
        mixed = MIXED.format(ran=ran, seconds=seconds)
        repository.commit("Add the load", project="{}", chain=CHAIN, mixed=mixed)
        go(production, repository)
        for name in more:
            production.start(f"{name} 2", name)
        wait_until(lambda: production.get("/workflows/mixed") and production.get("/workflows/chain"), seconds=20)
        return production

    return start


def begin(fleet: Fleet, key: str) -> None:
    """One instance, asked for until that is acknowledged."""
    workflow = "chain" if hash(key) % 2 else "mixed"
    url = f"{fleet.api}/api/v1/workflows/{workflow}/instances"
    answer = None
    for _ in range(300):
        try:
            answer = fleet.client.post(url, json={"inputs": {}}, headers={"Idempotency-Key": key})
        except httpx.HTTPError:
            time.sleep(0.1)
            continue
        if answer.is_success:
            return
        assert answer.status_code == 503, answer.text
        time.sleep(0.1)
    raise AssertionError(f"{key} was never started: {answer}")


def fill(fleet: Fleet, count: int, name: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: begin(fleet, f"{name}-{number}"), range(count)))


def check(url: str, count: int, *, seconds: float) -> None:
    """Every instance ended well, each task once, and nothing is left."""
    wait_until(lambda: ledger.ended(url), seconds=seconds, what="every instance to end")
    wait_until(lambda: ledger.outbox(url) == 0, seconds=15, what="the outbox to drain")
    assert ledger.states(url) == {"succeeded": count}
    assert ledger.accepted_twice(url) == 0


def test_two_of_each_and_no_fault_carry_everything_out_once(running, postgres_url, ran):
    fleet = running("task-worker", "notification-worker", "relay", "scheduler")
    fill(fleet, 60, "quiet")
    check(postgres_url, 60, seconds=60)
    assert set(Counter(ran.read_text().split("\n")[:-1]).values()) == {1}


def test_a_wiped_redis(running, postgres_url, redis_url):
    fleet = running()
    for number in range(4):
        fill(fleet, 20, f"wiped-{number}")
        time.sleep(random.uniform(0, 1.5))
        redis.Redis.from_url(redis_url).flushdb()
    check(postgres_url, 80, seconds=30)


def test_a_redis_that_is_away_for_a_while(running, postgres_url, redis_server):
    fleet = running()
    fill(fleet, 40, "before")
    redis_server.stop()
    meanwhile = Thread(target=fill, args=(fleet, 10, "meanwhile"))
    meanwhile.start()
    time.sleep(8)
    redis_server.start()
    meanwhile.join()
    check(postgres_url, 50, seconds=60)


def test_a_postgres_that_restarts(running, postgres_url, postgres_server):
    fleet = running()
    for number in range(4):
        filling = Thread(target=fill, args=(fleet, 20, f"restart-{number}"))
        filling.start()
        time.sleep(random.uniform(0.1, 1))
        postgres_server.stop()
        time.sleep(random.uniform(0, 2))
        postgres_server.start()
        filling.join()
    check(postgres_url, 80, seconds=60)


@pytest.mark.parametrize("woken", ["while its follower is at it", "when its follower is done"])
def test_a_worker_stopped_for_longer_than_its_lease(running, postgres_url, ran, woken):
    fleet = running(seconds=9)
    fill(fleet, 8, "stopped")
    wait_until(ran.exists, seconds=20, what="a long task")
    first = ran.read_text().count("\n")
    time.sleep(2)
    os.kill(fleet.processes["task-worker"].pid, signal.SIGSTOP)
    fleet.start("task-worker 2", "task-worker")
    if woken == "when its follower is done":
        wait_until(lambda: ledger.ended(postgres_url), seconds=90, what="the follower")
    else:
        wait_until(lambda: ran.read_text().count("\n") > first, seconds=60, what="the follower")
    os.kill(fleet.processes["task-worker"].pid, signal.SIGCONT)
    check(postgres_url, 8, seconds=60)
