"""Kill -9 of every kind of process under load: nothing is lost, nothing is accepted twice (RELIABILITY R1)."""

from __future__ import annotations

import random
import time

import pytest

from tests.journeys import ledger
from tests.journeys.conftest import go
from tests.journeys.fleet import FINAL
from tests.journeys.repository import push, signed
from tests.servers import wait_until

PROJECT = """\
webhooks:
  github: {provider: github, secret: GITHUB_WEBHOOK_SECRET}
secrets: [GITHUB_WEBHOOK_SECRET]
"""

NOOP = "{uses: python, with: {call: 'engine.adapters.kinds.noop:noop'}"
LOAD = "name: load\non:\n  webhook: [{source: github, events: [push]}]\ntasks:\n" + "".join(
    f"  t{n}: {NOOP}{f', needs: t{n - 1}' if n else ''}}}\n" for n in range(10)
)

VICTIMS = ("task-worker", "notification-worker", "relay", "scheduler", "api", "webhooks", "sync-worker")
HOLDING = ("task-worker", "notification-worker", "scheduler", "webhooks")
"""Those that a kill may catch with work in hand."""
RECOVERY = 60.0
"""Seconds after the last kill in which every instance must have ended."""


def deliver(stack, commit, number):
    """One delivery, sent until it is acknowledged, as GitHub's redelivery button would; returns its instances."""
    body = push(commit, number=number)
    headers = signed(body, delivery=f"delivery-{number}")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            answer = stack.client.post(f"{stack.hooks}/hooks/github", content=body, headers=headers, timeout=10)
        except OSError:
            continue
        except Exception as error:
            if "httpx" not in type(error).__module__ and "httpcore" not in type(error).__module__:
                raise
            time.sleep(0.05)
            continue
        if answer.status_code == 202:
            return [entry["instance"] for entry in answer.json()["instances"]]
        time.sleep(0.05)
    raise AssertionError("a delivery was never acknowledged")


def pytest_generate_tests(metafunc):
    """In the short form every kind of process is killed once, those that hold work twice, under one load; in the long
    form each kind 20 times under a load of its own."""
    if "victims" in metafunc.fixturenames:
        each = [(victim,) * 20 for victim in VICTIMS]
        once = (*VICTIMS, *HOLDING)
        long = metafunc.config.getoption("--long")
        metafunc.parametrize("victims", each if long else [once], ids=VICTIMS if long else ["everybody"])


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.timeout(240)
def test_kills_lose_nothing_and_double_nothing(production, repository, postgres_url, request, victims):
    instances = 5 if request.config.getoption("--long") else 3
    chance = random.Random("".join(victims))
    commit = repository.commit("Add the load", project=PROJECT, load=LOAD)
    production.environment["HEADRACE_LEASE"] = "6"
    go(production, repository)
    wait_until(lambda: production.get("/workflows/load"), seconds=20)

    acknowledged = []
    for kill, victim in enumerate(chance.sample(victims, len(victims))):
        for number in range(instances):
            acknowledged += deliver(production, commit, f"{kill}-{number}")
        time.sleep(chance.uniform(0, 0.3))
        production.kill(victim)
        production.restart(victim)
    last = time.monotonic()
    wait_until(lambda: ledger.ended(postgres_url), seconds=RECOVERY, what="every instance to end")
    assert time.monotonic() - last <= RECOVERY
    wait_until(lambda: ledger.outbox(postgres_url) == 0, seconds=15, what="the outbox to drain")

    assert ledger.states(postgres_url) == {"succeeded": len(acknowledged)}
    started, deliveries = ledger.deliveries(postgres_url)
    assert started == deliveries == len(set(acknowledged)) == len(victims) * instances
    assert ledger.accepted_twice(postgres_url) == 0


@pytest.mark.timeout(180)
def test_dev_survives_kill_9(embedded, repository, request):
    """One process, SQLite and memory: what was acknowledged goes on after a restart."""
    kills = 20 if request.config.getoption("--long") else 2
    commit = repository.commit("Add the load", project=PROJECT, load=LOAD)
    go(embedded, repository)
    wait_until(lambda: embedded.get("/workflows/load"), seconds=20)
    acknowledged = []
    for kill in range(kills):
        acknowledged += [instance for number in range(5) for instance in deliver(embedded, commit, f"{kill}-{number}")]
        embedded.kill("dev")
        embedded.restart("dev")
        embedded.wait_ready()
    for instance in acknowledged:
        assert embedded.wait_for_state(instance, *FINAL, seconds=RECOVERY)["state"] == "succeeded"
    assert len(embedded.get("/instances?limit=500")["items"]) == len(set(acknowledged)) == 5 * kills
