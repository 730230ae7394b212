import dataclasses
import threading

import httpx
import pytest

from engine.api.app import create
from engine.config import Config
from engine.errors import Unavailable
from tests.web.world import served


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nope", 404),
        ("GET", "/api/v1/instances/nope", 404),
        ("DELETE", "/api/v1/instances", 405),
        ("POST", "/metrics", 405),
        ("GET", "/api/v1/instances?limit=0", 422),
        ("GET", "/api/v1/instances?limt=3", 422),
        ("GET", "/api/v1/instances?workflow=a&workflow=b", 422),
        ("GET", "/api/v1/instances?state=done", 422),
        ("GET", "/api/v1/instances/x?wait=1e9", 422),
    ],
)
def test_every_error_is_a_problem_document(small_client, method, path, status):
    answer = small_client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["title"]
    assert body["instance"] == path.partition("?")[0]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/v1/syncs", "GET, HEAD, POST"),
        ("POST", "/metrics", "GET, HEAD"),
        ("PUT", "/syncs", "GET, HEAD, POST"),
        ("GET", "/logout", "POST"),
    ],
)
def test_a_wrong_method_is_told_all_that_are_right(small_client, method, path, allowed):
    answer = small_client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


def broken(*_arguments, **_options):
    raise RuntimeError("secret details of our insides")


def away(*_arguments, **_options):
    raise Unavailable("the database", "connection refused at 10.1.2.3")


@pytest.fixture
def served_with(small_world):
    def serve(**methods):
        class Reader:
            def __getattr__(self, name):
                return methods.get(name) or getattr(small_world.instances.reader, name)

        services = dataclasses.replace(
            small_world.services, reader=Reader(), checks={"database": methods.get("ping", lambda: None)}
        )
        return served(create(services, Config()))

    return serve


@pytest.mark.parametrize("path", ["/api/v1/instances", "/"])
def test_a_bug_is_a_500_that_tells_nothing(served_with, path):
    with served_with(list=broken) as url:
        answer = httpx.get(url + path, trust_env=False)
    assert answer.status_code == 500
    assert "secret details" not in answer.text
    assert "frame-ancestors" in answer.headers["content-security-policy"]


def test_an_outage_is_a_503_to_try_again(served_with):
    with served_with(list=away) as url:
        answer = httpx.get(url + "/api/v1/instances", trust_env=False)
        assert httpx.get(url + "/", trust_env=False).status_code == 503
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert answer.json()["type"] == "urn:headrace:problem:unavailable"


def test_health(served_with):
    with served_with(ping=away) as url:
        assert httpx.get(url + "/api/v1/health/live", trust_env=False).status_code == 200
        ready = httpx.get(url + "/api/v1/health/ready", trust_env=False)
    assert ready.status_code == 503
    assert ready.json()["checks"] == {"database": "unavailable"}
    assert "10.1.2.3" not in ready.text
    with served_with() as url:
        assert httpx.get(url + "/api/v1/health/ready", trust_env=False).json() == {
            "status": "ok",
            "checks": {"database": "ok"},
        }


def test_somebody_who_waits_does_not_hold_up_the_end(small_world):
    """SIGTERM while a call waits: it is answered with what is known, and the server is gone."""
    instance = small_world.start("gate")
    looked = threading.Event()
    original = small_world.signals.wait

    def wait(name, timeout):
        looked.set()
        return original(name, timeout)

    answers = []
    small_world.signals.wait = wait
    with served(create(small_world.services, Config())) as url:
        ask = threading.Thread(
            target=lambda: answers.append(
                httpx.get(f"{url}/api/v1/instances/{instance}?wait=60", timeout=70, trust_env=False)
            )
        )
        ask.start()
        assert looked.wait(10)
    ask.join(5)
    assert answers[0].json()["state"] == "waiting"
