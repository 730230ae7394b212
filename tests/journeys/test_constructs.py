"""Every construct of the language, on both stacks, while the processes that carry it are killed."""

from __future__ import annotations

import time

import pytest

from tests.fleet import FINAL
from tests.journeys import constructs
from tests.servers import wait_until
from tests.stacks import go

RECOVERY = 90


def begin(fleet, repository, tmp_path, names):
    ran = tmp_path / "ran"
    files = {name: constructs.text(name, str(ran)) for name in constructs.TEXTS}
    repository.commit("Add every construct", project="{}", **files)
    fleet.environment["HEADRACE_LEASE"] = "6"
    go(fleet, repository)
    wait_until(lambda: fleet.get("/workflows/waited"), seconds=30)
    started = {}
    for title in (*names, "queued-up again"):  # the second waits for the slot of the first
        name = title.partition(" ")[0]
        answer = fleet.client.post(f"{fleet.api}/api/v1/workflows/{name}/instances", json={"inputs": {}})
        assert answer.is_success, answer.text
        started[title] = answer.json()["id"]
    return started, ran


def check(fleet, started, ran):
    for title, instance in started.items():
        name = title.partition(" ")[0]
        found = fleet.wait_for_state(instance, *FINAL, seconds=RECOVERY)
        assert (name, found["state"], found["outputs"]) == (name, *constructs.end(name)), found["error"]
        ends = {}
        for row in fleet.get(f"/instances/{instance}/history?limit=500")["items"]:
            if row["accepted"] and row["event"]["type"] in ("TaskSucceeded", "TaskFailed"):
                key = (row["scope"], row["event"]["task"], row["event"]["attempt"])
                ends[key] = ends.get(key, 0) + 1
        assert set(ends.values()) <= {1}, name
    assert ran.read_text()


@pytest.mark.timeout(240)
def test_on_one_process(embedded, repository, tmp_path):
    started, ran = begin(embedded, repository, tmp_path, constructs.TEXTS)
    wait_until(ran.exists, seconds=20, what="a slow task")
    for _ in range(2):
        time.sleep(0.7)
        embedded.kill("dev")
        embedded.restart("dev")
        embedded.wait_ready()
    check(embedded, started, ran)


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.timeout(300)
def test_on_many_processes(production, repository, tmp_path):
    started, ran = begin(production, repository, tmp_path, constructs.TEXTS)
    wait_until(ran.exists, seconds=20, what="a slow task")
    for victim in ("task-worker", "notification-worker", "task-worker", "scheduler"):
        time.sleep(0.7)
        production.kill(victim)
        production.restart(victim)
    check(production, started, ran)
