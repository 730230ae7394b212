"""Every command that talks to the API: what it prints for people and for programs, and how it ends."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from engine.app.records import Claim, Record, SlotWish
from engine.cli.login import login_name
from tests.web.nested import FLEET, under_way, wide
from tests.web.world import served


def test_a_workflow_is_started_looked_at_and_cancelled(headrace, shown):
    started = headrace("start", "release", "-i", "service=web", "-i", "sha=3f9c2a7", "--key", "once")
    assert started.status == 0
    instance = started.out.strip()
    again = headrace("start", "release", "-i", "service=web", "-i", "sha=3f9c2a7", "--key", "once", "--json")
    assert again.json == {"id": instance, "workflow": "release"}
    assert instance in headrace("list", "--workflow", "release", "--state", "running").out
    assert headrace("get", instance).out.splitlines()[0] == f"id        {instance}"
    assert headrace("cancel", instance, "--reason", "a slip").status == 0
    assert "CancelRequested" in headrace("history", instance).out


def test_what_the_clock_starts(headrace, shown):
    said = headrace("schedules").said
    assert "nightly-cleanup 30 2 * * * Europe/Paris 2" in said
    assert headrace("schedules", "gate").out == "No schedules.\n"
    assert len(headrace("schedules", "--json").json["items"][0]["upcoming"]) == 5


def test_who_holds_and_who_waits(headrace, shown, world):
    assert headrace("concurrency").out == "Nobody holds or waits for a slot.\n"
    with world.instances.store.lock([]) as locked:
        for path in ("migrate", "load", ""):
            claim = Claim(instance=shown["running"], path=path, attempt=1)
            locked.gates.take_slot(SlotWish(group="db <1>", limit=1, when_full="queue", claim=claim), locked.now)
        locked.record(Record())
    said = headrace("concurrency", "db <1>").said
    assert f"db <1> 1 of 1 holds {shown['running']} migrate" in said
    assert f"db <1> 1 of 1 waits, 1. {shown['running']} load" in said
    assert headrace("concurrency", "--json").json["items"][0]["waiting"] == 2


def test_children_and_their_parent(headrace, shown, world):
    parent = world.start("gate")
    child = world.start_child("nightly-cleanup", parent, "ask")
    listed = headrace("list", "--parent", parent).out
    assert child in listed
    assert shown["failed"] not in listed
    assert f"{parent}, for its task ask" in headrace("get", child).out


def test_the_end_is_told_in_words(headrace, shown):
    failed = headrace("get", shown["failed"])
    assert "why       list_images failed" in failed.out
    assert "exit: the script ended with exit code 2" in failed.said
    assert headrace("get", shown["failed"], "--json").json["error"]["failures"][0]["path"] == "list_images"
    assert "why       cancelled by ben: started by mistake" in headrace("get", shown["cancelled"]).out
    skipped = headrace("get", shown["succeeded"])
    assert "needs approve.rejected, got approved" in skipped.said


def test_logs_of_all_tasks_and_of_one(headrace, shown):
    assert "list_images  found 214 images\n" in headrace("logs", shown["failed"]).out
    assert headrace("logs", shown["failed"], "list_images").out.startswith("found 214 images\n")
    strange = headrace("logs", shown["failed"], "lits_images")
    assert (strange.status, strange.err) == (1, "headrace: there is no task 'lits_images'\n")


def test_files_are_listed_and_fetched(headrace, shown, world, tmp_path):
    instance = world.start("gate")
    world.leave(instance, "ask", {"a": b"old"})
    world.leave(instance, "ask", {"dist/a b": b"new", "empty": b""}, attempt=2)
    world.leave(instance, "go[eu]", {"../x": b"out"})
    listed = headrace("artifacts", instance).said
    assert "ask 1 report a 3" in listed
    assert "ask 2 report dist/a b 3" in listed
    assert headrace("artifacts", shown["failed"]).out == "No files.\n"
    fetched = headrace("artifacts", instance, "ask", "--download", "here")
    assert fetched.out == "here/ask/dist/a b\nhere/ask/empty\n"
    found = {
        str(path.relative_to(tmp_path / "here")): path.read_bytes()
        for path in (tmp_path / "here").rglob("*")
        if path.is_file()
    }
    assert found == {"ask/dist/a b": b"new", "ask/empty": b""}
    away = headrace("artifacts", instance, "-d", "here")
    assert (away.status, "leads out of the folder" in away.err) == (1, True)
    assert len(headrace("artifacts", instance, "--json").json) == 4
    gone = headrace("artifacts", "gone", "-d", "here")
    assert (gone.status, gone.err) == (1, "headrace: there is no instance 'gone'\n")


def test_what_broke_off_is_not_left(headrace, shown, world, tmp_path):
    instance = world.start("gate")
    world.leave(instance, "ask", {"a": b"unique to this test"})
    [row] = world.instances.artifacts.list(instance)
    world.files.delete([row.digest])
    assert headrace("artifacts", instance, "-d", "here").status == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_approval_is_listed_and_decided(headrace, shown, world, monkeypatch):
    world.start("gate")
    listed = headrace("approve")
    assert "Release billing at 3f9c2a7? …" in listed.said
    waiting = shown["waiting"]
    assert "'nobody' is not among those who may decide" in headrace("approve", waiting, "--as", "nobody").err
    missing = headrace("approve", waiting, "--as", "ana")
    assert (missing.status, missing.err.count("\n")) == (1, 2)
    assert "change_ticket" in missing.err
    done = headrace("approve", waiting, "--as", "ana", "--form", "change_ticket=CHG-1", "--json")
    assert done.json["state"] == "approved"
    monkeypatch.setattr("engine.cli.approvals.PATIENCE", 0)
    late = headrace("approve", waiting, "--as", "cleo")
    assert late.err == f"headrace: no approval of instance {waiting} is open\n"


def test_deliveries_and_syncs_say_what_became_of_them(headrace, shown):
    assert f"release: {shown['succeeded']}; gate: condition is false" in headrace("deliveries").said
    assert json.loads(headrace("deliveries", "d-started", "--json").out)["body"] == '{"ref": "refs/heads/main"}'
    assert "no workflow listens for it" in headrace("deliveries", "--state", "ignored").said
    syncs = headrace("sync")
    assert "refused Dora 1 finding" in syncs.said
    assert 'needs "tset", which does not exist; did you mean "test"? [unknown-need]' in headrace("sync").said
    assert headrace("sync", "--now").out.startswith("Asked the sync worker")


@pytest.mark.parametrize(
    "command",
    [("list",), ("get", "{}"), ("history", "{}"), ("logs", "{}"), ("approve",), ("deliveries",), ("sync",)],
    ids=lambda command: command[0],
)
def test_what_prints_data_prints_it_for_programs(headrace, shown, command):
    done = headrace(*(word.format(shown["waiting"]) for word in command), "--json")
    assert (done.status, done.err) == (0, "")
    assert done.json


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("start", "nope"), "there is no workflow 'nope'"),
        (("start", "release"), "the inputs of release do not fit"),
        (("get", "nope"), "there is no instance 'nope'"),
        (("get", "../workflows/release"), "is HEADRACE_API_URL right?"),
        (("get", ""), "an empty id names nothing"),
        (("logs", "nope"), "there is no instance 'nope'"),
        (("history", "nope"), "there is no instance 'nope'"),
        (("cancel", "nope"), "there is no instance 'nope'"),
        (("approve", "nope"), "there is no approval 'nope'"),
        (("deliveries", "nope"), "there is no delivery 'nope'"),
        (("list", "--state", "done"), "the query does not fit"),
        (("deliveries", "--state", "done"), "the query does not fit"),
    ],
)
def test_no_is_an_answer_in_a_line(headrace, shown, command, said):
    done = headrace(*command)
    assert (done.status, done.out) == (1, "")
    assert said in done.err.splitlines()[0]
    assert done.err.startswith("headrace: ")


@pytest.mark.parametrize(
    ("command", "settings", "said"),
    [
        (("start",), {}, "Missing argument"),
        (("start", "release", "-i", "service"), {}, "is not NAME=VALUE"),
        (("start", "release", "--inputs", "none.yaml"), {}, "none.yaml cannot be read"),
        (("start", "release", "--inputs", "broken.yaml"), {}, "broken.yaml cannot be read"),
        (("start", "release", "--inputs", "list.yaml"), {}, "holds no map of inputs"),
        (("list", "--limit", "0"), {}, "--limit"),
        (("lits",), {}, "Did you mean 'list'"),
        (("lint", "nope"), {}, "nope does not exist"),
        (("deliver", "github", "none.json"), {}, "does not exist"),
        (("list",), {"API_TOKEN": "t\u00f6ken"}, "HEADRACE_API_TOKEN"),
        (("list",), {"POLL": "soon"}, "HEADRACE_POLL: 'soon' is not a number"),
        (("list",), {"LEASE": "0"}, "HEADRACE_LEASE: 0.0 is not above zero"),
        (("api",), {"API_PORT": "99999"}, "HEADRACE_API_PORT: 99999 is no port"),
        (("api",), {"API_HOST": "0.0.0.0"}, "HEADRACE_API_TOKEN: must be set to serve on 0.0.0.0"),
        (("relay",), {"LOG_LEVEL": "loud"}, "'loud' is no level"),
        (("relay",), {"BROKER_URL": "kafka://x"}, "is neither memory:// nor redis://"),
        (("sync-worker",), {}, "HEADRACE_REPO: name the git repository"),
        (("prune", "--older-than", "soon"), {}, '"soon" is no span of time'),
        (("relay",), {"RETENTION_COUNT": "-1"}, "HEADRACE_RETENTION_COUNT: -1 is below zero"),
        (("db", "upgrade"), {"INSTANCES_URL": "mysql://x"}, "'mysql' is not known"),
        (("db", "upgrade"), {"STATE_DIR": "file/state"}, "no folder can be made there"),
        (("dev", "nowhere"), {}, "there is no folder nowhere"),
        (("dev", "."), {"STATE_DIR": "file/state"}, "HEADRACE_STATE_DIR: no folder can be made there"),
    ],
)
def test_a_slip_is_told_and_ends_with_2(headrace, tmp_path, command, settings, said):
    (tmp_path / "broken.yaml").write_bytes(b"\xff\xfe[")
    (tmp_path / "list.yaml").write_text("[1]")
    (tmp_path / "file").touch()
    done = headrace(*command, **settings)
    assert done.status == 2
    assert said in done.said
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "command", [("list",), ("start", "x"), ("approve",), ("sync",), ("health", "http://127.0.0.1:9/x")]
)
def test_nobody_there_is_told_in_a_line(headrace, command):
    done = headrace(*command)
    assert (done.status, (done.out + done.err).count("\n")) == (1, 1)
    assert "Connection refused" in done.out + done.err


def test_somebody_else_there_is_told_in_a_line(headrace, stage):
    from starlette.applications import Starlette

    with served(Starlette()) as url:
        done = headrace("list", API_URL=url)
    assert done.status == 1
    assert f"{url} does not answer like the API: 404" in done.err


def test_a_taken_port_is_told(headrace, stage, tmp_path):
    port = stage.url.rpartition(":")[2]
    done = headrace("api", API_PORT=port)
    assert done.status == 2
    assert f"HEADRACE_API_PORT: cannot listen on 127.0.0.1:{port}: [Errno 98]" in done.said


@pytest.mark.parametrize(("source", "header"), [("github", "X-Hub-Signature-256"), ("shop", "X-Sig")])
def test_a_delivery_by_hand_is_signed_as_its_source_signs(headrace, tmp_path, source, header):
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    calls = []

    async def take(request):
        calls.append((request.path_params["source"], dict(request.headers), await request.body()))
        return JSONResponse({"delivery": "d1", "instances": []}, 202)

    (tmp_path / "project.yaml").write_text(
        "webhooks:\n  github: {provider: github, secret: HOOK}\n"
        '  shop: {provider: hmac, secret: HOOK, signature_header: X-Sig, prefix: "", event_header: X-Kind}\n'
    )
    (tmp_path / "body.json").write_text("{}")
    with served(Starlette(routes=[Route("/hooks/{source}", take, methods=["POST"])])) as url:
        done = headrace(
            "deliver", source, "body.json", "--project", "project.yaml", "--url", url, SECRET_HOOK="a secret"
        )
    assert done.status == 0, done.err
    [(name, headers, body)] = calls
    assert name == source
    assert headers[header.lower()].removeprefix("sha256=") == hmac.new(b"a secret", body, hashlib.sha256).hexdigest()


def test_events_are_published_and_shown(headrace, shown, tmp_path):
    assert headrace("events").out == "No events.\n"
    assert headrace("emit", "order.paid", "-d", '{"order": "A1"}', "--id", "mine").out == "mine\n"
    (tmp_path / "body.json").write_text("[1]")
    assert headrace("emit", "order.sent", "-d", f"@{tmp_path / 'body.json'}", "--json").json["id"]
    assert headrace("emit", "order.paid", "--id", "mine").status == 0
    assert '"order": "A1"' in headrace("events", "order.paid").said
    assert [row["body"] for row in headrace("events", "--json").json["items"]] == [[1], {"order": "A1"}]
    for wrong in ("{", "@nowhere.json", "NaN"):
        assert headrace("emit", "order.paid", "-d", wrong).status == 2
    assert "too large" in headrace("emit", "order.paid", "-d", "[1e999]").err
    assert "surrogate" in headrace("emit", "order.paid", "-d", '"\\ud800"').err


def test_tasks_are_ended_from_outside(headrace, shown, world):
    instances = [world.start("nightly-cleanup") for _ in range(3)]
    done, failed, cancelled = instances
    assert headrace("complete", done, "list_images", "-o", "count=2", "-o", "newest=a").status == 0
    assert (
        headrace("fail", failed, "list_images", "no registry", "--kind", "gone").said == f"{failed} list_images failed"
    )
    assert headrace("cancel", cancelled, "--task", "list_images", "--reason", "a slip").status == 0
    tasks = [headrace("get", name, "--json").json["tasks"][0] for name in instances]
    assert [task["state"] for task in tasks] == ["succeeded", "failed", "queued"]
    assert tasks[0]["outputs"] == {"count": 2, "newest": "a"}
    assert tasks[1]["error"] == {"kind": "gone", "message": "no registry"}
    assert f"by {login_name()}" in headrace("get", done).said
    again = headrace("complete", done, "list_images")
    assert again.status == 1
    assert "ended already: succeeded" in again.said
    assert headrace("complete", shown["waiting"], "ask").status == 1


def test_tasks_in_tasks_are_indented_and_not_endless(headrace, shown, world):
    world.load(FLEET, wide(400))
    instance = under_way(world)
    lines = headrace("get", instance).out.splitlines()
    assert any(line.startswith("prepare ") for line in lines)
    assert any(line.startswith("  prepare/compile ") for line in lines)
    assert any(line.startswith("    deploy[eu]/probe#3 ") for line in lines)
    assert any(line.startswith("finally/report ") for line in lines)
    assert "24 of 30 items ended, 1 not well" in headrace("get", instance).said
    part = headrace("get", instance, "--scope", "deploy[eu]", "--json").json["tasks"]
    assert {row["path"].partition("/")[0] for row in part} == {"deploy[eu]"}
    instance = world.start("wide")
    world.settle()
    said = headrace("get", instance)
    assert "Only the first 300 tasks are shown" in said.said
    assert len(said.out.splitlines()) < 320
    assert len(headrace("get", instance, "--all").out.splitlines()) > 400
