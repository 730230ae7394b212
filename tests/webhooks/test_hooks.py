"""What callers get, in the order in which calls are judged."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from engine.app.cancel import Canceller
from engine.app.receive import Received
from engine.app.records import NewDelivery
from engine.errors import Unavailable
from tests.holds.given import prune
from tests.servers import wait_until
from tests.webhooks.engine import OLD, WORKFLOWS, Engine, github, push, sign
from tests.webhooks.serving import serve
from webhooks.hooks import AT_ONCE

PROBLEM = "application/problem+json"


def test_a_push_starts_every_workflow_that_it_is_for(client: httpx.Client, engine: Engine):
    body = push()
    answer = client.post("/hooks/github", content=body, headers=github(body))
    assert answer.status_code == 202
    given = answer.json()
    started = {instance.workflow: instance for instance in engine.started()}
    assert {entry["workflow"]: entry["instance"] for entry in given["instances"]} == {
        name: instance.id for name, instance in started.items()
    }
    assert set(started) == {"release", "audit"}
    release = started["release"]
    assert release.inputs == {"sha": "abcd1234", "retries": 3}
    assert release.delivery == given["delivery"]
    assert release.started_by == "webhook:github"
    assert release.trigger["body"]["ref"] == "refs/heads/main"
    assert (release.trigger["source"], release.trigger["event"], release.trigger["id"]) == (
        "github",
        "push",
        given["delivery"],
    )
    assert release.trigger["received_at"].endswith("Z")
    assert started["audit"].inputs == {"what": "push by GitHub-Hookshot/1"}
    [delivery] = engine.deliveries()
    assert (delivery.id, delivery.state, delivery.body) == (given["delivery"], "started", body)
    assert not {"x-hub-signature-256", "authorization"} & set(delivery.headers)


@pytest.mark.parametrize(
    ("sender", "by"),
    [
        ({"login": "rosa-dev", "type": "User"}, "webhook:github:rosa-dev"),
        ({"login": "renovate[bot]"}, "webhook:github:renovate[bot]"),
        ({"login": "a b"}, "webhook:github"),
        ({"login": 7}, "webhook:github"),
        ("rosa-dev", "webhook:github"),
    ],
)
def test_who_pushed_is_who_started_it(client: httpx.Client, engine: Engine, sender: object, by: str):
    body = push(sender=sender)
    assert client.post("/hooks/github", content=body, headers=github(body)).status_code == 202
    assert {instance.started_by for instance in engine.started()} == {by}


def test_only_github_says_who_it_was(client: httpx.Client, engine: Engine):
    body = json.dumps({"sender": {"login": "rosa-dev"}}).encode()
    headers = {"X-Sig": f"v1={sign(body)}", "X-Kind": "order"}
    assert client.post("/hooks/shop", content=body, headers=headers).status_code == 202
    assert [instance.started_by for instance in engine.started()] == ["webhook:shop"]


def test_what_does_not_start_says_why(client: httpx.Client, engine: Engine):
    def reasons(body: bytes, event: str = "push") -> dict[str, str]:
        answer = client.post("/hooks/github", content=body, headers=github(body, event=event))
        assert answer.status_code == 202, answer.text
        stored = engine.instances.deliveries.get(answer.json()["delivery"])
        verdicts = {verdict["workflow"]: verdict["reason"] for verdict in answer.json()["verdicts"]}
        assert {verdict.workflow: verdict.reason for verdict in stored.verdicts} == verdicts
        return verdicts

    assert "event 'issues' is not among: push" in reasons(push(), "issues")["release"]
    assert "condition is false" in reasons(push(ref="refs/heads/other"))["release"]
    assert "/sha" in reasons(push(after="XYZ"))["release"]
    assert "nothing was pushed" in reasons(push(after="00000000"))["release"]
    assert "release.yaml:11:24: an expression has no value" in reasons(b'{"after": "abcd"}')["release"]
    assert {instance.workflow for instance in engine.started()} == {"audit"}


def test_the_state_of_a_delivery_tells_a_filter_from_a_fault(client: httpx.Client, engine: Engine):
    engine.load({"release.yaml": WORKFLOWS["release.yaml"]})
    states = []
    for body in (push(ref="refs/heads/x"), push(after="XYZ"), push()):
        client.post("/hooks/github", content=body, headers=github(body))
        states.append(engine.deliveries()[0].state)
    assert states == ["ignored", "failed", "started"]


def test_a_version_that_cannot_be_read_holds_up_nobody(
    client: httpx.Client, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    newer = [
        replace(version, digest="0", document={"from": "the future"}) if version.workflow == "audit" else version
        for version in engine.definitions.listening("github")
    ]
    monkeypatch.setattr(engine.definitions, "listening", lambda _: newer)
    body = push()
    given = client.post("/hooks/github", content=body, headers=github(body)).json()
    assert [entry["workflow"] for entry in given["instances"]] == ["release"]
    assert {entry["workflow"] for entry in given["verdicts"]} == {"release", "audit"}


def test_nobody_listens(client: httpx.Client, engine: Engine):
    engine.load({})
    body = push()
    given = client.post("/hooks/small", content=body, headers=github(body)).json()
    assert (given["instances"], given["verdicts"]) == ([], [])
    assert "no workflow listens" in engine.deliveries()[0].reason


def test_a_ping_is_taken_and_starts_nothing(client: httpx.Client, engine: Engine):
    body = b'{"zen": "Keep it logically awesome."}'
    answer = client.post("/hooks/github", content=body, headers=github(body, event="ping"))
    assert (answer.status_code, answer.json()["instances"]) == (202, [])
    assert (engine.deliveries()[0].state, engine.deliveries()[0].reason) == ("ignored", "ping")


def test_a_push_asks_for_a_sync(client: httpx.Client, engine: Engine):
    body = push()
    client.post("/hooks/github", content=body, headers=github(body, event="issues"))
    client.post("/hooks/small", content=body, headers=github(body))
    assert not engine.definitions.take_sync_request("main")
    client.post("/hooks/github", content=body, headers=github(body))
    assert engine.definitions.take_sync_request("main")


def test_a_generic_source(client: httpx.Client, engine: Engine):
    body = b'{"total": 12.5}'
    headers = {"X-Sig": f"v1={sign(body)}", "X-Kind": "order", "X-Id": "o-1"}
    first = client.post("/hooks/shop", content=body, headers=headers).json()
    again = client.post("/hooks/shop", content=body, headers=headers).json()
    other = client.post("/hooks/shop", content=body, headers=headers | {"X-Id": "o-2"}).json()
    assert again == first | {"duplicate": True}
    assert other["delivery"] != first["delivery"]
    assert [instance.inputs for instance in engine.started()] == [{"what": {"total": 12.5}}] * 2
    without = [name for name in headers if name != "X-Id"]
    plain = [
        client.post("/hooks/shop", content=body, headers={name: headers[name] for name in without}).json()["duplicate"]
        for _ in range(2)
    ]
    assert plain == [False, True]


def test_forms_as_github_sends_them(client: httpx.Client, engine: Engine):
    body = urllib.parse.urlencode({"payload": push()}).encode()
    headers = github(body) | {"Content-Type": "application/x-www-form-urlencoded"}
    assert len(client.post("/hooks/github", content=body, headers=headers).json()["instances"]) == 2


def test_unknown_sources_paths_and_methods(client: httpx.Client, engine: Engine):
    body = push()
    for answer, status in (
        (client.post("/hooks/nope", content=body, headers=github(body)), 404),
        (client.post("/nope", content=body), 404),
        (client.get("/hooks/github"), 405),
    ):
        assert (answer.status_code, answer.headers["content-type"], answer.json()["status"]) == (
            status,
            PROBLEM,
            status,
        )
    assert engine.deliveries() == []


def test_without_a_valid_signature_nothing_is_stored(client: httpx.Client, engine: Engine):
    body = push()
    good = github(body)
    wrong = [
        {name: value for name, value in good.items() if name != "X-Hub-Signature-256"},
        good | {"X-Hub-Signature-256": ""},
        good | {"X-Hub-Signature-256": "sha256="},
        good | {"X-Hub-Signature-256": good["X-Hub-Signature-256"][:-1]},
        good | {"X-Hub-Signature-256": good["X-Hub-Signature-256"].removeprefix("sha256=")},
        good | {"X-Hub-Signature-256": "sha1=" + good["X-Hub-Signature-256"].removeprefix("sha256=")},
        good | {"X-Hub-Signature-256": f"sha256={sign(body, '')}"},
        good | {"X-Hub-Signature-256": f"sha256={sign(body, 'guess')}"},
        good | {"X-Hub-Signature-256": f"sha256={sign(body + b' ')}"},
        github(body, secret=""),
    ]
    for headers in wrong:
        answer = client.post("/hooks/github", content=body, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)
    odd = [(name, value) for name, value in good.items() if name != "X-Hub-Signature-256"]
    for values in ([b"sha256=\xff\xfe"], [good["X-Hub-Signature-256"]] * 2):
        headers = [(name, value) for name, value in odd] + [("X-Hub-Signature-256", value) for value in values]
        assert client.post("/hooks/github", content=body, headers=headers).status_code == 401
    for source in ("unset", "blank"):
        for secret in ("", "MISSING", "None"):
            assert client.post(f"/hooks/{source}", content=body, headers=github(body, secret=secret)).status_code == 401
    assert engine.deliveries() == []
    assert engine.started() == []
    assert engine.refused("github", "unauthenticated") == 12
    assert engine.refused("blank", "unauthenticated") == 3


def test_two_secrets_while_one_is_replaced(client: httpx.Client, engine: Engine):
    body = push()
    assert client.post("/hooks/github", content=body, headers=github(body, secret=OLD)).status_code == 202
    del engine.secrets.values["HOOK_OLD"]
    body = push(after="ffff")
    assert client.post("/hooks/github", content=body, headers=github(body)).status_code == 202
    old = github(body, secret=OLD)
    wait_until(lambda: client.post("/hooks/github", content=body, headers=old).status_code == 401)


def test_a_burst_reads_its_secret_once(client: httpx.Client, engine: Engine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("engine.app.recent.FRESH", 60)
    read, get = [], engine.secrets.get
    monkeypatch.setattr(engine.secrets, "get", lambda name: read.append(name) or get(name))
    for number in range(3):
        body = push(after=f"{number:040}")
        assert client.post("/hooks/github", content=body, headers=github(body)).status_code == 202
    assert sorted(read) == ["HOOK", "HOOK_OLD"]


def test_too_large_is_refused_before_its_signature(client: httpx.Client, engine: Engine):
    for size, status in ((1024, 400), (1025, 413)):
        body = b"x" * size
        answer = client.post("/hooks/small", content=body, headers=github(body))
        assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
        assert client.post("/hooks/small", content=body).status_code == (413 if status == 413 else 401)
    assert len(engine.deliveries()) == 1


def test_a_repeat_gets_the_first_answer(client: httpx.Client, engine: Engine):
    body = push()
    headers = github(body, delivery="d-1")
    first = client.post("/hooks/github", content=body, headers=headers)
    repeats = [
        client.post("/hooks/github", content=body, headers=headers),
        client.post("/hooks/github", content=body, headers=github(body, delivery="d-2")),  # the id is not signed
        client.post("/hooks/github", content=push("ffff"), headers=github(push("ffff"), delivery="d-1")),
    ]
    for answer in repeats:
        assert answer.status_code == 202
        assert answer.json() == first.json() | {"duplicate": True}
    assert len(engine.started()) == 2
    assert len(engine.deliveries()) == 1


def test_a_replay_of_what_was_thrown_away_starts_nothing(client: httpx.Client, engine: Engine):
    """Its instances and the delivery itself are gone, and its keys still count."""
    body = push()
    headers = github(body, delivery="d-1")
    first = client.post("/hooks/github", content=body, headers=headers).json()
    for instance in engine.started():
        Canceller(reader=engine.instances.reader, advancer=engine.advancer).cancel_once(instance.id, by="ana")
    assert prune(engine.instances, before=engine.instances.recovery.now() + 60_000) == len(first["instances"]) > 0
    assert engine.deliveries() == []
    answer = client.post("/hooks/github", content=body, headers=headers)
    assert answer.status_code == 202
    assert (answer.json()["delivery"], answer.json()["duplicate"]) == (first["delivery"], True)
    assert answer.json()["reason"] == "it came before, and is kept no more"
    assert engine.started() == []


def test_a_repeat_of_what_failed_fails_again(client: httpx.Client, engine: Engine):
    headers = github(b"{", delivery="d-1")
    answers = [client.post("/hooks/github", content=b"{", headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].json() == answers[1].json()
    assert [delivery.state for delivery in engine.deliveries()] == ["failed"]


def test_a_hundred_at_once_start_one_instance(database_url: str):
    engine = Engine(database_url)
    engine.load({"release.yaml": WORKFLOWS["release.yaml"]})
    body = push()
    headers = github(body, delivery="d-1")
    with serve(engine.app()) as client, ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: client.post("/hooks/github", content=body, headers=headers), range(100)))
    assert {answer.status_code for answer in answers} == {202}
    [instance] = engine.started()
    assert {json.dumps(answer.json()["instances"]) for answer in answers} == {
        json.dumps([{"workflow": "release", "instance": instance.id}])
    }
    assert sum(not answer.json()["duplicate"] for answer in answers) == 1
    engine.close()


def test_a_large_body_holds_up_no_small_one(client: httpx.Client, engine: Engine, monkeypatch: pytest.MonkeyPatch):
    receive, reading, read = engine.receiver.receive, Event(), Event()

    def slow(calls: Sequence[NewDelivery]) -> Sequence[Received | Exception]:
        if any(len(call.body) > AT_ONCE for call in calls):
            reading.set()
            assert read.wait(10)
        return receive(calls)

    monkeypatch.setattr(engine.receiver, "receive", slow)
    large, small = push("ffff", more="x" * AT_ONCE), push()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.post, "/hooks/github", content=large, headers=github(large))
        assert reading.wait(10)
        assert client.post("/hooks/github", content=small, headers=github(small)).status_code == 202
        read.set()
        assert answer.result().status_code == 202


def test_a_delivery_left_behind_is_finished_once(client: httpx.Client, engine: Engine, monkeypatch: pytest.MonkeyPatch):
    """The process dies (or its database does) between storing a delivery and starting what it is for."""
    body = push()
    headers = github(body, delivery="d-1")
    with monkeypatch.context() as broken:
        broken.setattr(engine.definitions, "listening", _down)
        answer = client.post("/hooks/github", content=body, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)
        assert int(answer.headers["retry-after"]) > 0
    [left] = engine.deliveries()
    assert (left.state, engine.started()) == ("received", [])
    [result] = engine.receiver.process([left])
    assert result.state == "started"
    assert engine.receiver.process([left]) == [result]  # a second scheduler that read it before
    assert client.post("/hooks/github", content=body, headers=headers).json()["delivery"] == left.id
    assert len(engine.started()) == 2


def _down(*_: object, **_more: object) -> None:
    raise Unavailable("the database", "password=hunter2 refused")


@pytest.mark.parametrize("port", ["lock", "receive", "get"])
def test_nothing_is_acknowledged_while_the_database_is_down(
    client: httpx.Client, engine: Engine, monkeypatch: pytest.MonkeyPatch, port: str
):
    body = push()
    if port != "lock":  # a repetition is told apart after it was taken for a new one
        assert client.post("/hooks/github", content=body, headers=github(body)).status_code == 202
    owner = engine.instances.store if port == "lock" else engine.instances.deliveries
    monkeypatch.setattr(owner, port, _down)
    answer = client.post("/hooks/github", content=body, headers=github(body))
    assert answer.status_code == 503
    assert "hunter2" not in answer.text


def test_health(engine: Engine):
    def down() -> None:
        raise Unavailable("the broker")

    with serve(engine.app(checks={"instances": engine.instances.ping, "broker": down})) as client:
        assert client.get("/health/live").status_code == 200
        answer = client.get("/health/ready")
        assert (answer.status_code, answer.json()["checks"]) == (503, {"instances": "ok", "broker": "unavailable"})


def test_pages_are_mounted_beside(engine: Engine):
    def page(_request: object) -> PlainTextResponse:
        return PlainTextResponse("page")

    pages = [Route("/approvals/{token}", page), Route("/approvals/{token}", page, methods=["POST"])]
    with serve(engine.app(routes=pages)) as client:
        answer = client.get("/approvals/x")
        assert answer.text == "page"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert client.put("/approvals/x").headers["allow"] == "GET, HEAD, POST"
