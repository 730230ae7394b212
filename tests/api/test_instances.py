import threading
import time
from dataclasses import replace

import pytest

from engine.core.events import TaskSucceeded
from tests.web.nested import FLEET, under_way, wide
from tests.web.world import release_until_approval

INPUTS = {"service": "billing", "sha": "3f9c2a7"}


def test_starting_answers_with_the_instance_that_can_then_be_read(client):
    answer = client.post("/api/v1/workflows/release/instances", json={"inputs": INPUTS, "by": "dora"})
    assert answer.status_code == 201
    instance = client.get(answer.headers["location"]).json()
    assert instance["id"] == answer.json()["id"]
    assert (instance["workflow"], instance["state"], instance["started_by"]) == ("release", "running", "dora")
    assert instance["inputs"]["percent"] == 100, "defaults are filled in"
    assert instance["started_at"].endswith("Z")
    assert instance["finished_at"] is None


def test_the_same_idempotency_key_starts_once(client, world):
    asked = {"json": {"inputs": INPUTS}, "headers": {"Idempotency-Key": "deploy-42"}}
    first = client.post("/api/v1/workflows/release/instances", **asked)
    again = client.post("/api/v1/workflows/release/instances", **asked)
    assert first.json()["id"] == again.json()["id"]
    assert len(world.instances.reader.list()) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b'{"inputs": {"service": "UPPER", "sha": "3f9c2a7"}}', 422),
        (b'{"inputs": {"service": "billing", "sha": "3f9c2a7", "typo": 1}}', 422),
        (b'{"inputs": {"service": "a\\u0000b", "sha": "3f9c2a7"}}', 422),
        (b'{"inptus": {}}', 422),
        (b'{"inputs": {"service": NaN}}', 400),
        (b"[" * 100_000, 400),
        (b'{"inputs": ' + b"[" * 500 + b"]" * 500 + b"}", 422),
        (b" " * (1024 * 1024 + 1), 413),
    ],
    ids=["cut", "pattern", "unknown-input", "nul", "unknown-key", "nan", "deep-cut", "deep", "large"],
)
def test_a_start_that_does_not_fit_starts_nothing(small_client, small_world, body, status):
    answer = small_client.post("/api/v1/workflows/release/instances", content=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert not small_world.instances.reader.list()


def test_large_outputs_are_put_in_place(client, world):
    instance = world.start("gate")
    document = ["x" * 20_000]
    world.instances.values.put(instance, {"d1": document, "d2": "y" * 1_500_000}, most=10_000_000)
    world.decide(instance, "ana", "approved")
    world.succeed(
        instance, "go", {"it": {"$value": "d1", "size": 20_004}, "huge": {"$value": "d2", "size": 1_500_002}, "n": 1}
    )
    listed = client.get(f"/api/v1/instances/{instance}/tasks").json()["items"][1]
    assert listed["outputs"] == {"it": document, "huge": {"$value": "d2", "size": 1_500_002}, "n": 1}
    one = client.get(f"/api/v1/instances/{instance}/tasks/go").json()
    assert one["outputs"] == {"it": document, "huge": "y" * 1_500_000, "n": 1}
    page = client.get(f"/instances/{instance}").text
    assert "x" * 20_000 in page
    assert "y" * 100 not in page


def test_problems_point_at_the_value(small_client):
    answer = small_client.post("/api/v1/workflows/release/instances", json={"inputs": {**INPUTS, "percent": 700}})
    assert [error["pointer"] for error in answer.json()["errors"]] == ["#/percent"]


def test_children_are_found_by_their_parent(small_client, small_world):
    parent = small_world.start("gate")
    child = small_world.start_child("nightly-cleanup", parent, "ask")
    found = small_client.get(f"/api/v1/instances?parent={parent}").json()["items"]
    assert [(one["id"], one["depth"]) for one in found] == [(child, 1)]
    assert found[0]["parent"] == {"instance": parent, "path": "ask", "attempt": 1}
    assert small_client.get(f"/api/v1/instances/{parent}").json()["parent"] is None
    assert small_client.get(f"/api/v1/instances?parent={child}").json()["items"] == []


def test_schedules_say_when_next_and_what_became_of_the_last_time(small_client, small_world):
    (one,) = small_client.get("/api/v1/schedules").json()["items"]
    assert (one["workflow"], one["cron"], one["timezone"]) == ("nightly-cleanup", "30 2 * * *", "Europe/Paris")
    assert (len(one["upcoming"]), one["last_at"], one["pending"]) == (5, None, False)
    assert small_client.get("/api/v1/schedules?workflow=gate").json()["items"] == []
    (planned,) = small_world.timetable.planned()
    row = replace(planned.row, last_at=1_700_000_000_000, last_instance="i1", pending_at=1_700_000_000_000)
    small_world.instances.schedules.put(row)
    (one,) = small_client.get("/api/v1/schedules?workflow=nightly-cleanup").json()["items"]
    assert (one["last_at"], one["last_instance"], one["pending"]) == ("2023-11-14T22:13:20.000Z", "i1", True)


def test_an_unknown_workflow_is_not_found_with_a_suggestion(client):
    answer = client.post("/api/v1/workflows/relaese/instances", json={"inputs": {}})
    assert answer.status_code == 404
    assert "release" in answer.json()["detail"]


def test_lists_page_with_cursors_and_links(client, world):
    started = [world.start("gate") for _ in range(5)]
    seen, url, pages = [], "/api/v1/instances?workflow=gate&limit=2", 0
    while url:
        answer = client.get(url)
        seen += [row["id"] for row in answer.json()["items"]]
        url = answer.links.get("next", {}).get("url")
        assert bool(url) == bool(answer.json()["next"])
        pages += 1
    assert seen == started[::-1]
    assert pages == 3


def test_lists_filter_by_state(client, world):
    world.start("gate")
    gone = world.start("gate")
    world.services.canceller.cancel(gone, by="ana")
    found = client.get("/api/v1/instances", params={"state": "cancelled"}).json()["items"]
    assert [row["id"] for row in found] == [gone]


def test_waiting_ends_when_the_instance_does(client, world):
    instance = world.start("nightly-cleanup")
    world.succeed(instance, "list_images")

    def finish():
        world.tell(instance, TaskSucceeded(task="delete", attempt=1, outputs={}))

    timer = threading.Timer(0.1, finish)
    timer.start()
    began = time.monotonic()
    answer = client.get(f"/api/v1/instances/{instance}", params={"wait": 30}, timeout=40)
    timer.join()
    assert answer.json()["state"] == "succeeded"
    assert answer.json()["finished_at"]
    assert time.monotonic() - began < 20


def test_waiting_needs_no_hint(small_world, small_client, monkeypatch):
    """The signal may be lost: whoever waits looks at the database too."""
    monkeypatch.setattr(small_world.signals, "changed", lambda _: None)
    instance = small_world.start("gate")
    timer = threading.Timer(0.1, lambda: small_world.services.canceller.cancel(instance, by="ana"))
    timer.start()
    answer = small_client.get(f"/api/v1/instances/{instance}", params={"wait": 30}, timeout=40)
    timer.join()
    assert answer.json()["state"] == "cancelled"


def test_waiting_ends_with_its_time(small_world, small_client):
    answer = small_client.get(f"/api/v1/instances/{small_world.start('gate')}", params={"wait": 0.1})
    assert answer.json()["state"] == "waiting"


def test_cancelling(client, world):
    instance = world.start("gate")
    answer = client.post(f"/api/v1/instances/{instance}/cancel", json={"by": "ana", "reason": "mistake"})
    assert (answer.status_code, answer.json()["state"]) == (202, "cancelled")
    assert client.post(f"/api/v1/instances/{instance}/cancel", json={}).status_code == 409
    assert client.post("/api/v1/instances/unknown/cancel", json={}).status_code == 404


def test_tasks_history_and_logs(client, world):
    instance = release_until_approval(world)
    tasks = client.get(f"/api/v1/instances/{instance}/tasks").json()["items"]
    states = {task["path"]: task["state"] for task in tasks}
    assert len(states) == len(tasks) == 10
    assert (states["build"], states["approve"], states["finally/report"]) == ("succeeded", "waiting", "pending")
    report = client.get(f"/api/v1/instances/{instance}/tasks/finally/clean_up").json()
    assert report["needs"] == [{"source": "report", "outcome": "done"}]
    assert client.get(f"/api/v1/instances/{instance}/tasks/nope").status_code == 404
    history = client.get(f"/api/v1/instances/{instance}/history", params={"limit": 3}).json()
    assert [row["seq"] for row in history["items"]] == [1, 2, 3]
    assert history["next"] == 3
    assert history["items"][0]["event"]["type"] == "ScopeStarted"
    assert client.get(f"/api/v1/instances/{instance}/history", params={"after": 10**30}).status_code == 422
    lines = client.get(f"/api/v1/instances/{instance}/logs", params={"path": "unit_tests"}).json()
    assert [line["text"] for line in lines["items"]] == ["1182 passed in 41.20s"]
    assert client.get("/api/v1/instances/unknown/logs").status_code == 404


def test_workflows(client):
    names = [row["name"] for row in client.get("/api/v1/workflows").json()["items"]]
    assert names == ["gate", "nightly-cleanup", "release"]
    release = client.get("/api/v1/workflows/release").json()
    assert release["inputs"]["required"] == ["service", "sha"]
    assert release["text"].startswith("name: release")
    assert release["versions"][0]["author_email"] == "dora@example.com"


def test_deliveries_and_syncs(client, world):
    world.delivery("d1", "ignored", reason="no workflow listens for it", body=b"\xff\xfe not text")
    rows = client.get("/api/v1/deliveries").json()["items"]
    assert [(row["id"], row["state"], row["reason"]) for row in rows] == [
        ("d1", "ignored", "no workflow listens for it")
    ]
    assert "body" not in rows[0]
    assert client.get("/api/v1/deliveries/d1").json()["body"].endswith("not text")
    assert client.get("/api/v1/deliveries/nope").status_code == 404
    assert [row["state"] for row in client.get("/api/v1/syncs").json()["items"]] == ["loaded"]
    assert client.post("/api/v1/syncs").status_code == 202
    assert world.asked_syncs


def test_each_task_is_followed_by_what_it_consists_of(client, world):
    world.load(FLEET)
    instance = under_way(world)
    found = client.get(f"/api/v1/instances/{instance}/tasks").json()
    paths = [row["path"] for row in found["items"]]
    assert found["next"] is None
    assert paths[:6] == ["prepare", "prepare/compile", "prepare/check", "size", "at_once", "deploy"]
    assert paths[6:8] == ["deploy[ap]/roll", "deploy[ap]/probe"]
    assert paths[paths.index("deploy[eu]/probe") + 1 :][:3] == [f"deploy[eu]/probe#{number}" for number in (1, 2, 3)]
    assert paths[-1] == "finally/report"
    assert len(paths) == len(set(paths))
    one = client.get(f"/api/v1/instances/{instance}/tasks/ping[host-13]").json()
    assert (one["state"], one["error"]["message"]) == ("failed", "the answer was 503")
    assert client.get(f"/api/v1/instances/{instance}/tasks/ping[nowhere]").status_code == 404
    assert client.get(f"/api/v1/instances/{instance}/tasks/deploy[eu]/nothing").status_code == 404


@pytest.mark.parametrize("scope", ["", "deploy", "ping", "deploy[eu]", "deploy[eu]/probe"])
def test_tasks_come_in_pages(client, world, scope):
    world.load(FLEET)
    instance = under_way(world)

    def page(**asked):
        return client.get(f"/api/v1/instances/{instance}/tasks", params={"scope": scope, **asked}).json()

    whole = [row["path"] for row in page()["items"]]
    assert all(path.startswith(scope) for path in whole)
    assert len(whole) == {"": 53, "deploy": 14, "ping": 30, "deploy[eu]": 6, "deploy[eu]/probe": 3}[scope]
    read, after, pages = [], None, 0
    while after is not None or not pages:
        part = page(limit=4, **({"after": after} if after else {}))
        read += [row["path"] for row in part["items"]]
        after, pages = part["next"], pages + 1
    assert sorted(read) == sorted(whole)
    assert pages >= len(whole) // 12


def test_a_slip_in_a_scope_is_no_empty_page(small_client, small_world):
    small_world.load(FLEET)
    instance = under_way(small_world)
    for scope, status in (("deploi", 404), ("deploy[zz]", 200), ("prepare/compile", 404)):
        asked = small_client.get(f"/api/v1/instances/{instance}/tasks", params={"scope": scope})
        assert asked.status_code == status, scope
    assert small_client.get(f"/api/v1/instances/{instance}/tasks?limit=0").status_code == 422


def test_a_task_behind_the_first_page_is_found(small_client, small_world):
    small_world.load(wide(1_100))
    instance = small_world.start("wide")
    small_world.settle()
    for path in ("ping[0]", "ping[999]", "ping[1099]"):
        assert small_client.get(f"/api/v1/instances/{instance}/tasks/{path}").json()["path"] == path
    first = small_client.get(f"/api/v1/instances/{instance}/tasks").json()
    second = small_client.get(f"/api/v1/instances/{instance}/tasks", params={"after": first["next"]}).json()
    assert second["next"] is None
    assert len(first["items"]) + len(second["items"]) == 1_103
    assert small_client.get(f"/api/v1/instances/{instance}/logs?path=ping[999]").json()["items"] == []
