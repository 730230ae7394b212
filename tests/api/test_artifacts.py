from __future__ import annotations

import pytest

from engine.api.app import create
from engine.config import Config
from tests.web.world import TOKEN


@pytest.fixture
def instance(world):
    return world.start("gate")


def url(instance, artifact=""):
    return f"/api/v1/instances/{instance}/artifacts" + (f"/{artifact}" if artifact else "")


def test_files_are_listed_newest_first(client, world, instance):
    first, second = world.leave(instance, "ask", {"a.txt": b"a", "dist/b": b"bb"})
    [third] = world.leave(instance, "go", {"c": b""}, name="other", attempt=3)
    items = client.get(url(instance)).json()["items"]
    assert [item["id"] for item in items] == [third, second, first]
    assert {name: items[1][name] for name in ("path", "attempt", "name", "file", "size", "executable")} == {
        "path": "ask",
        "attempt": 1,
        "name": "report",
        "file": "dist/b",
        "size": 2,
        "executable": False,
    }
    assert items[0]["at"].endswith("Z")
    page = client.get(url(instance), params={"limit": 2})
    assert page.json()["next"] == second
    assert [item["id"] for item in client.get(page.links["next"]["url"]).json()["items"]] == [first]
    assert [item["id"] for item in client.get(url(instance), params={"path": "go"}).json()["items"]] == [third]


def test_a_file_is_downloaded_and_never_shown(client, world, instance):
    content = b"<script>alert(1)</script>" * 40_000
    [name] = world.leave(instance, "ask", {'dist/r\u00e9sum\u00e9 "1".html': content})
    answer = client.get(url(instance, name))
    assert answer.content == content
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"r_sum_ _1_.html\"; filename*=UTF-8''r%C3%A9sum%C3%A9%20%221%22.html"
    )
    digest = answer.headers["etag"].strip('"')
    assert client.get(url(instance, digest)).content == content


def test_an_empty_file_is_one(client, world, instance):
    [name] = world.leave(instance, "ask", {"empty": b""})
    answer = client.get(url(instance, name))
    assert (answer.status_code, answer.content) == (200, b"")


def test_nobody_gets_files_through_another_instance(client, world, instance):
    [name] = world.leave(instance, "ask", {"a": b"a"})
    [row] = world.instances.artifacts.list(instance)
    other = world.start("gate")
    for one in (name, row.digest, "gone", "%00"):
        answer = client.get(url(other, one))
        assert answer.status_code in (404, 422)
        assert answer.headers["content-type"] == "application/problem+json"
    assert client.get(url("gone")).status_code == 404
    assert client.get(url("gone", name)).status_code == 404


def test_a_content_that_is_gone_is_a_problem(client, world, instance):
    [name] = world.leave(instance, "ask", {"a": b"a"})
    world.files.delete([world.instances.artifacts.list(instance)[0].digest])
    assert client.get(url(instance, name)).status_code == 404


def test_files_need_the_token(world, stage, instance):
    [name] = world.leave(instance, "ask", {"a": b"a"})
    with stage.client(create(world.services, Config(api_token=TOKEN))) as client:
        assert client.get(url(instance, name)).status_code == 401
        assert client.get(url(instance, name), headers={"Authorization": f"Bearer {TOKEN}"}).content == b"a"


def test_a_download_that_nobody_waits_for_closes_its_file(client, world, instance):
    [name] = world.leave(instance, "ask", {"large": bytes(20_000_000)})
    with client.stream("GET", url(instance, name)) as answer:
        next(answer.iter_raw())
    assert client.get(url(instance)).status_code == 200  # a warning about an open file would fail the test
