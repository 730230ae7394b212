"""What anybody can send to a process that faces the internet: bodies that trickle or break off, odd headers."""

from __future__ import annotations

import asyncio

import pytest
import structlog
from starlette.applications import Starlette

from engine.api.app import create
from engine.config import Config
from engine.web.body import read_body
from webhooks.approvals import routes

FORM = b"application/x-www-form-urlencoded"


@pytest.fixture(params=["/api/v1/workflows/gate/instances", "/workflows/gate/start", "/login", "/approvals/nobody"])
def door(request, small_world):
    """An app, and a path of it that takes a body from anybody."""
    services = small_world.services
    if not request.param.startswith("/approvals"):
        return create(services, Config()), request.param
    about = {"approver": services.approver, "approvals": services.approvals, "reader": services.reader}
    return Starlette(routes=routes(**about, links=services.links)), request.param


def post(door, receive) -> int:
    """The status of the answer."""
    app, path = door
    sent = []

    async def send(message):
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", FORM), (b"content-length", b"1000")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "server": ("localhost", 80),
        "client": ("127.0.0.1", 1),
        "headers": headers,
        "http_version": "1.1",
    }
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"]


def test_a_sender_that_goes_away_is_no_error_of_ours(door):
    async def gone():
        return {"type": "http.disconnect"}

    with structlog.testing.capture_logs() as logs:
        assert post(door, gone) == 400
    assert [entry for entry in logs if entry["log_level"] == "error"] == []


def test_a_body_that_never_ends_is_not_waited_for(door, monkeypatch):
    monkeypatch.setitem(read_body.__kwdefaults__, "patience", 0.05)

    async def never():
        await asyncio.Event().wait()

    assert post(door, never) == 408


@pytest.mark.parametrize("origin", ["http://[", "http://]", "//[x]", "\udcff"])
def test_what_is_no_origin_is_another_one(small_client, origin):
    answer = small_client.post("/api/v1/syncs", headers={"Origin": origin.encode("utf-8", "surrogateescape")})
    assert answer.status_code == 403
