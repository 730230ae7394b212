"""What the webhooks process counts of its calls, and where it shows that."""

from __future__ import annotations

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine.bootstrap import Application
from engine.cli import serve as processes
from engine.config import Config
from engine.errors import Unavailable
from engine.workers import run
from tests.ports import free_port
from tests.webhooks.engine import Engine
from tests.webhooks.serving import serve
from tests.webhooks.test_hooks import github, push
from webhooks.metrics import create


def test_new_calls_and_repeats_are_told_apart(client: httpx.Client, engine: Engine):
    body = push()
    for _ in range(3):
        client.post("/hooks/github", content=body, headers=github(body, delivery="d-1"))
    assert (engine.taken("github", "new"), engine.taken("github", "duplicate")) == (1, 2)
    labels = {"source": "github", "provider": "github"}
    assert engine.registry.get_sample_value("headrace_webhook_seconds_count", labels) == 3


def test_refusals_are_counted_by_their_reason(client: httpx.Client, engine: Engine, monkeypatch: pytest.MonkeyPatch):
    def down(*_: object, **_more: object) -> None:
        raise Unavailable("the database")

    large, body = b"x" * 1025, push()
    client.post("/hooks/small", content=large, headers=github(large))
    client.post("/hooks/github", content=body)
    client.post("/hooks/github", content=b"no json", headers=github(b"no json"))
    monkeypatch.setattr(engine.instances.store, "lock", down)
    client.post("/hooks/github", content=body, headers=github(body))
    assert engine.refused("small", "too-large") == 1
    assert [engine.refused("github", reason) for reason in ("unauthenticated", "malformed", "unavailable")] == [1, 1, 1]


def test_callers_make_no_labels(client: httpx.Client, engine: Engine):
    for name in ("a", "b", "c"):
        client.post(f"/hooks/{name}", content=b"{}")
    assert engine.refused("", "not-found") == 3
    assert client.get("/metrics").status_code == 404, "the address of the hooks shows none"
    with serve(create(engine.registry)) as metrics:
        answer = metrics.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    sources = {sample.labels["source"] for one in text_string_to_metric_families(answer.text) for sample in one.samples}
    assert sources == {""}


def test_the_process_shows_them_where_its_settings_say(sqlite_url: str):
    config = Config(
        instances_url=sqlite_url,
        definitions_url=sqlite_url,
        webhooks_port=free_port(),
        webhooks_metrics_port=free_port(),
    )
    application = Application(config)
    parts = processes.webhooks_parts(application)
    for part in parts:
        part.start()
    try:
        httpx.post(f"http://127.0.0.1:{config.webhooks_port}/hooks/nobody", trust_env=False)
        shown = httpx.get(f"http://127.0.0.1:{config.webhooks_metrics_port}/metrics", trust_env=False).text
    finally:
        run.stop(parts)
        application.close()
    assert 'headrace_webhook_refused_total{provider="",reason="not-found",source=""} 1.0' in shown
