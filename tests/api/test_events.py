"""Events, and tasks that are ended from outside, by HTTP."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from engine.core.events import TaskFailed, TaskStarted
from engine.spec.load import load

TEXT = """
name: waits
tasks:
  paid: {uses: event, with: {type: order.paid, timeout: 1h}}
  build:
    run: make
    outputs: {image: {type: string}, tag: {type: string, default: latest}}
    retry: {max_attempts: 3, delay: 1h}
  each:
    for_each: [eu, us]
    key: item
    tasks:
      roll: {run: make}
      check: {repeat: {max_iterations: 3, until: outputs.ok}, run: make, outputs: {ok: {type: boolean}}}
  ask: {uses: approval, with: {message: "?", approvers: ana}}
  complete: {uses: wait, with: {for: 1h}}
  after: {needs: paid, run: make}
"""


@pytest.fixture
def instance(world):
    loaded = load({"w.yaml": TEXT.encode(), "project.yaml": b"people: {ana: {email: ana@example.com}}"})
    assert not loaded.errors, [str(finding) for finding in loaded.errors]
    world.load(*loaded.workflows.values())
    return world.start("waits")


@pytest.fixture
def end(client, instance):
    def post(path, verb, **body):
        return client.post(f"/api/v1/instances/{instance}/tasks/{quote(path)}/{verb}", json=body)

    return post


@pytest.fixture
def tasks(client, instance):
    return lambda: {row["path"]: row for row in client.get(f"/api/v1/instances/{instance}/tasks").json()["items"]}


def test_an_event_is_published_once_for_an_id(client):
    first = client.post("/api/v1/events", json={"type": "paid", "body": {"n": 1}, "id": "mine", "by": "ana"})
    assert (first.status_code, first.json()) == (202, {"id": "mine"})
    again = client.post("/api/v1/events", json={"type": "paid", "body": {"n": 2}, "id": "mine"})
    assert (again.status_code, again.json()) == (200, {"id": "mine"})
    other = client.post("/api/v1/events", json={"type": "sent"})
    assert other.status_code == 202
    listed = client.get("/api/v1/events").json()
    assert [row["id"] for row in listed["items"]] == [other.json()["id"], "mine"]
    (row,) = client.get("/api/v1/events", params={"type": "paid"}).json()["items"]
    assert row.pop("received_at").endswith("Z")
    assert row == {
        "id": "mine",
        "type": "paid",
        "source": "api",
        "body": {"n": 1},
        "by": "ana",
        "routed": False,
        "verdicts": [],
    }
    page = client.get("/api/v1/events", params={"limit": 1}).json()
    following = client.get("/api/v1/events", params={"limit": 1, "before": page["next"]}).json()
    assert [row["id"] for row in following["items"]] == ["mine"]


@pytest.mark.parametrize(
    "body",
    [{}, {"type": ""}, {"type": "x" * 201}, {"type": "x", "id": ""}, {"type": "x", "body": "y" * 70_000}, {"typ": "x"}],
)
def test_an_event_that_does_not_fit(client, body):
    assert client.post("/api/v1/events", json=body).status_code == 422
    assert client.get("/api/v1/events").json()["items"] == []


def test_a_task_is_completed_with_outputs_that_fit(end, tasks, world, instance):
    world.tell(instance, TaskStarted(task="build", attempt=1))
    refused = end("build", "complete", outputs={"image": 7})
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["#/outputs/image"]
    assert end("build", "complete").status_code == 422, "a declared output is missing"
    answer = end("build", "complete", outputs={"image": "a"}, by="ana")
    assert (answer.status_code, answer.json()["id"]) == (202, instance)
    build = tasks()["build"]
    assert (build["state"], build["outputs"]) == ("succeeded", {"image": "a", "tag": "latest"})
    assert (build["by"], tasks()["paid"]["by"], tasks()["paid"]["waits_for"]) == ("ana", None, "order.paid")
    again = end("build", "complete", outputs={"image": "a"})
    assert again.status_code == 409
    assert "ended already: succeeded" in again.json()["detail"]


def test_outputs_have_their_limit(end):
    answer = end("build", "complete", outputs={"image": "x" * 70_000})
    assert answer.status_code == 422


def test_a_waiting_event_is_received(end, tasks):
    assert end("paid", "complete", outputs={"order": 7}).status_code == 422
    assert end("paid", "complete", outputs={"body": {"order": 7}}, by="ana").status_code == 202
    paid = tasks()["paid"]
    assert paid["state"] == "received"
    assert paid["outputs"].pop("received_at").endswith("Z")
    assert paid["outputs"] == {"id": "", "type": "order.paid", "source": "ana", "body": {"order": 7}}
    assert tasks()["after"]["state"] == "queued"


def test_a_task_is_failed_for_good(end, tasks, world, instance):
    world.tell(instance, TaskFailed(task="build", attempt=1, error={"kind": "exit", "message": "1"}))
    assert tasks()["build"]["state"] == "waiting"
    assert end("build", "fail").status_code == 422
    assert end("build", "fail", message="no", kind="No").status_code == 422
    assert end("build", "fail", message="no", kind="manual").status_code == 202
    build = tasks()["build"]
    assert (build["state"], build["error"]) == ("failed", {"kind": "manual", "message": "no"})


def test_one_task_is_cancelled(end, tasks):
    assert end("complete", "cancel", reason="not needed").status_code == 202
    cancelled = tasks()["complete"]
    assert (cancelled["state"], cancelled["error"]["message"]) == ("cancelled", "not needed")
    assert end("build", "cancel").status_code == 202
    assert tasks()["build"]["state"] == "queued", "its worker has to stop first"
    again = end("build", "cancel")
    assert again.status_code == 409


@pytest.mark.parametrize("path", ["each[us]/roll", "each[us]/check#1"])
def test_paths_with_brackets_and_signs(end, tasks, path):
    assert end(path, "complete", outputs={"ok": True}).status_code == 202
    assert {name: task["state"] for name, task in tasks().items()}[path] == "succeeded"


def test_a_path_may_be_encoded_as_a_whole(client, instance, tasks):
    path = quote("each[us]/roll", safe="")
    assert client.post(f"/api/v1/instances/{instance}/tasks/{path}/complete", json={}).status_code == 202
    assert tasks()["each[us]/roll"]["state"] == "succeeded"


def test_a_task_may_be_called_like_what_is_done_to_it(client, end, instance, tasks):
    assert client.get(f"/api/v1/instances/{instance}/tasks/complete").json()["path"] == "complete"
    assert end("complete", "complete").status_code == 202
    assert tasks()["complete"]["state"] == "succeeded"


def test_a_task_with_tasks_can_only_be_cancelled_and_so_can_each_item(end):
    for verb, body in (("complete", {}), ("fail", {"message": "no"})):
        answer = end("each", verb, **body)
        assert answer.status_code == 409
        assert "tasks of its own" in answer.json()["detail"]
        assert end("each[us]", verb, **body).status_code == 404
    assert end("each[us]", "cancel").status_code == 202
    assert end("each[us]", "cancel").status_code == 409
    assert end("each[asia]", "cancel").status_code == 409
    assert end("each", "cancel").status_code == 202
    assert end("each", "cancel").status_code == 409


@pytest.mark.parametrize(("verb", "body"), [("complete", {}), ("fail", {"message": "no"}), ("cancel", {})])
def test_an_approval_is_decided_instead(end, verb, body):
    answer = end("ask", verb, **body)
    assert answer.status_code == 409
    assert "/approvals/{id}/decision" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "status"), [("after", 409), ("nobody", 404), ("each[xx]/roll", 404), ("each[us", 404), ("a//b", 404)]
)
def test_what_is_not_under_way(end, path, status):
    for verb, body in (("complete", {}), ("fail", {"message": "no"}), ("cancel", {})):
        assert end(path, verb, **body).status_code == status


def test_of_an_instance_that_is_not_there_or_over(client, world, instance, end):
    assert client.post("/api/v1/instances/nope/tasks/a/complete", json={}).status_code == 404
    world.services.canceller.cancel(instance, by="ana")
    assert end("paid", "complete").status_code == 409
    assert end("after", "complete").status_code == 409


def test_the_page_shows_what_waits(client, instance):
    page = client.get(f"/instances/{instance}")
    assert page.status_code == 200
    assert 'data-task="paid"' in page.text
    assert "waits for the event order" in page.text
