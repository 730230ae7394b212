"""R19: a delivery that comes a hundred times at once starts one instance."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.faults.loads import dag
from tests.ports import free_port
from tests.repository import push, signed
from tests.servers import wait_until

SENDERS = 25
TIMES = 100
COMMIT = "c" * 40
LOAD = dag(2)


@pytest.mark.parametrize(
    "stack",
    [
        pytest.param("embedded", marks=pytest.mark.long),
        pytest.param("production", marks=[pytest.mark.postgres, pytest.mark.redis]),
    ],
)
def test_a_hundred_repeats_are_one_instance(stack, request, begin, long):
    """Sent to two webhooks processes where there can be two; each answer names the same instance."""
    fleet = request.getfixturevalue(stack)
    ledger = begin(fleet, LOAD)
    hooks = [fleet.hooks]
    if stack == "production":
        port = free_port()
        fleet.environment["HEADRACE_WEBHOOKS_PORT"] = str(port)
        fleet.start("webhooks 2", "webhooks")
        hooks.append(f"http://127.0.0.1:{port}")
        wait_until(lambda: fleet.answers(f"{hooks[1]}/health/ready"), seconds=30, what=fleet.logs("webhooks 2"))
    with ledger.quiet():
        ledger.deliver(COMMIT, "quiet")
    statuses: Counter[int] = Counter()
    for delivery in range(20 if long else 1):
        name = f"delivery-{delivery}"
        for answer in _repeated(fleet.client, hooks, name):
            statuses[answer.status_code] += 1
            if answer.is_success:
                ledger.acknowledged[name] |= {started["instance"] for started in answer.json()["instances"]}
    assert set(statuses) <= {202, 503}, statuses
    ledger.wait_for_end(60)
    ledger.check(LOAD, answers=dict(statuses))


def _repeated(client: httpx.Client, hooks: list[str], name: str) -> list[httpx.Response]:
    body = push(COMMIT, number=name)
    headers = signed(body, delivery=name)
    with ThreadPoolExecutor(SENDERS) as senders:
        urls = [f"{hooks[number % len(hooks)]}/hooks/github" for number in range(TIMES)]
        return list(senders.map(lambda url: client.post(url, content=body, headers=headers), urls))
