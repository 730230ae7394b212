"""Examples in docs/ and the README lint clean and run as they stand there."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from uuid_utils import uuid7

import webhooks.app
from engine.app.versions import ProjectVersion, Source, SyncReport, Version
from engine.bootstrap import Application
from engine.cli.serve import embedded_workers
from engine.config import Config
from engine.core.codec import definition_to_json, digest
from engine.lint.linter import lint
from engine.simulate.files import run_files
from engine.spec.document import read
from engine.spec.load import load
from engine.spec.nodes import Document
from tests.webhooks.serving import serve

ROOT = Path(__file__).resolve().parent.parent
HELD_ELSEWHERE = {ROOT / "docs" / "rules.md"}
"""tests/lint holds its examples, half of which are wrong on purpose."""
PAGES = sorted({ROOT / "README.md", *(ROOT / "docs").rglob("*.md")} - HELD_ELSEWHERE)
LANGUAGE = ROOT / "docs" / "language.md"
FENCE = re.compile(
    r"(?:^ *<!-- (?:run (?P<run>.*?)|(?P<test>test)) -->\n)?^(?P<indent> *)```(?P<info>(?:yaml|python).*)\n(?P<text>(?:.*\n)*?)(?P=indent)```$",
    re.MULTILINE,
)
SECRET = "HEADRACE_SECRET_GITHUB_WEBHOOK_SECRET"
PATIENCE = 30.0


@dataclass(frozen=True, kw_only=True)
class Example:
    """One fenced block. `run` is what the comment above it says: inputs or a delivery, decisions, and what comes of it.

    `test`: the comment says so, and the next file of tests on the page runs it on a virtual clock.
    """

    page: Path
    line: int
    info: str
    text: str
    run: dict[str, Any] | None
    test: bool

    @property
    def is_project(self) -> bool:
        return self.text.startswith("# project.yaml\n")

    @property
    def is_workflow(self) -> bool:
        return bool(re.search(r"^name: ", self.text, re.MULTILINE) and re.search(r"^tasks:", self.text, re.MULTILINE))

    @property
    def is_test(self) -> bool:
        return bool(
            re.search(r"^workflow: ", self.text, re.MULTILINE) and re.search(r"^cases:", self.text, re.MULTILINE)
        )

    @property
    def name(self) -> str:
        return re.search(r"^(?:name|workflow): (.*)$", self.text, re.MULTILINE)[1]

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@cache
def examples(page: Path) -> tuple[Example, ...]:
    text = page.read_text()
    return tuple(
        Example(
            page=page,
            line=text.count("\n", 0, found.start("text")),
            info=found["info"],
            text=textwrap.dedent(found["text"]),
            run=None if found["run"] is None else json.loads(found["run"]),
            test=found["test"] is not None,
        )
        for found in FENCE.finditer(text)
    )


FENCED = [example for page in PAGES for example in examples(page)]
ALL = [example for example in FENCED if example.info.startswith("yaml")]
MODULES = [example for example in FENCED if example.info == "python"]
WORKFLOWS = [example for example in ALL if example.is_workflow]
RUN = [example for example in ALL if example.run is not None]
TESTS = [example for example in ALL if example.is_test]


def project_of(page: Path) -> str:
    """The page's own project.yaml, or that of the reference."""
    found = [example.text for example in (*examples(page), *examples(LANGUAGE)) if example.is_project]
    return found[0]


def files(example: Example) -> dict[str, bytes]:
    texts = {"workflows/example.yaml": example.text, "workflows/project.yaml": project_of(example.page)}
    return {path: text.encode() for path, text in texts.items()}


@pytest.mark.parametrize("example", ALL, ids=str)
def test_every_example_is_a_workflow_a_project_or_said_to_be_a_fragment(example):
    if "fragment" in example.info:
        assert isinstance(read("fragment.yaml", example.text.encode()), Document)
    else:
        assert example.is_workflow or example.is_project or example.is_test


@pytest.mark.parametrize("example", WORKFLOWS, ids=str)
def test_workflows_lint_without_findings(example):
    found = [finding for finding in lint(files(example)) if finding.rule != "unused-in-project"]  # by this one example
    assert [str(finding) for finding in found] == []


@pytest.mark.parametrize("example", [example for example in ALL if example.is_project], ids=str)
def test_projects_lint_without_findings(example):
    assert lint({"workflows/project.yaml": example.text.encode()}) == []


def workflows_of(example: Example) -> list[Example]:
    """The workflow that a file of tests is for: one of its page, marked, and above it."""
    return [
        other
        for other in examples(example.page)
        if other.test and other.name == example.name and other.line < example.line
    ]


@pytest.mark.parametrize("example", TESTS, ids=str)
def test_files_of_tests_pass(example):
    (workflow,) = workflows_of(example)
    report = run_files({**files(workflow), "workflows/example.test.yaml": example.text.encode()})
    assert [str(finding) for finding in report.findings] == []
    assert [(case.case, case.problems, case.timeline) for case in report.failed] == []
    assert report.cases


def test_every_example_that_is_to_be_tested_is():
    tested = {str(workflow) for example in TESTS for workflow in workflows_of(example)}
    assert {str(example) for example in WORKFLOWS if example.test} == tested


class Busy(BaseHTTPRequestHandler):
    """The server that the `http` example calls."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(503)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"reason": "busy"}')

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def busy() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), Busy)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def version(example: Example) -> Version:
    definition = load(files(example)).workflows["workflows/example.yaml"]
    document = definition_to_json(definition)
    return Version(
        id=str(uuid7()),
        workflow=definition.name,
        digest=digest(document),
        source="main",
        commit="0" * 40,
        path="workflows/example.yaml",
        author_name="Rosa",
        author_email="rosa@example.com",
        committed_at=0,
        text=example.text,
        document=document,
    )


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory) -> Iterator[None]:
    """The modules that pages have one write, installed, and the secret that signs webhooks."""
    folder = tmp_path_factory.mktemp("modules")
    for module in MODULES:
        (folder / module.text.splitlines()[0].removeprefix("# ")).write_text(module.text)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv(SECRET, "a secret for the tests")
        yield


@pytest.fixture(scope="module")
def engine(tmp_path_factory, busy, surroundings) -> Iterator[Application]:
    """The embedded engine, in this process, with every example that is to be run as a sync would load it."""
    config = Config(
        state_dir=tmp_path_factory.mktemp("state"), http_allow="127.0.0.1", http_ports=str(busy.server_port)
    )
    application = Application(config)
    application.upgrade()
    project = load({"workflows/project.yaml": project_of(LANGUAGE).encode()}).project
    application.definitions.definitions.load(
        report=SyncReport(id=str(uuid7()), source="main", commit="0" * 40, state="loaded"),
        source=Source(name="main", url="docs"),
        versions=[version(example) for example in RUN],
        project=ProjectVersion(source="main", commit="0" * 40, document=project.to_json()),
    )
    with embedded_workers(application):
        yield application
    application.close()


def start(example: Example, engine: Application, busy: HTTPServer) -> str:
    """The instance's id. An input `SERVER` is the address of the server above."""
    if "deliver" in example.run:
        return deliver(engine, **example.run["deliver"])
    here = f"http://127.0.0.1:{busy.server_port}/"
    inputs = {name: here if value == "SERVER" else value for name, value in example.run.get("inputs", {}).items()}
    return engine.starter.start(example.name, inputs, by="carla")


def deliver(engine: Application, source: str, event: str, body: Any) -> str:
    """Through the app of the webhooks process, signed as GitHub does."""
    app = webhooks.app.create(
        project=engine.project,
        secrets=engine.secrets,
        receiver=engine.receiver,
    )
    raw = json.dumps(body).encode()
    signature = hmac.new(os.environ[SECRET].encode(), raw, hashlib.sha256).hexdigest()
    headers = {"X-GitHub-Event": event, "X-GitHub-Delivery": "1", "X-Hub-Signature-256": f"sha256={signature}"}
    with serve(app) as client:
        answer = client.post(f"/hooks/{source}", content=raw, headers=headers)
    assert answer.status_code == 202, answer.text
    (one,) = answer.json()["instances"]
    return one["instance"]


@pytest.fixture(scope="module")
def started(engine, busy) -> dict[str, str]:
    """All at once, for most of them wait most of the time."""
    return {example.name: start(example, engine, busy) for example in RUN}


def ended(engine: Application, id: str, decisions: dict[str, list[Any]]) -> Any:
    """The instance once it is final; whoever is asked meanwhile decides as the example says."""
    left = dict(decisions)

    def is_final() -> Any:
        instance = engine.instances.reader.get(id)
        for approval in engine.instances.approvals.list(instance=id):
            if approval.path in left:
                person, decision, *form = left.pop(approval.path)
                engine.approver.decide(
                    approval.id, person=person, decision=decision, form=form[0] if form else None, via="api"
                )
        return instance if instance.state in ("succeeded", "failed", "cancelled") else None

    return awaited(engine, id, is_final)


def awaited(engine: Application, id: str, found: Callable[[], Any]) -> Any:
    """What `found` finds, once it finds something."""
    deadline = time.monotonic() + PATIENCE
    while not (result := found()):
        assert time.monotonic() < deadline, engine.instances.reader.get(id)
        engine.broker.signals.wait(id, 0.05)
    return result


def hold(engine: Application, id: str, *, before: str, held: str, decisions: dict[str, list[Any]]) -> None:
    """Pause the instance while somebody is asked, have it decided, and see that what follows is held until it is resumed."""

    def state(task: str) -> str | None:
        return engine.instances.reader.scopes(id)[""]["tasks"].get(task, {}).get("state")

    awaited(engine, id, lambda: engine.instances.approvals.list(instance=id))
    engine.services.pauser.pause(id, by="ana")
    (approval,) = engine.instances.approvals.list(instance=id)
    person, decision = decisions[before]
    engine.approver.decide(approval.id, person=person, decision=decision, form=None, via="api")
    awaited(engine, id, lambda: state(before) == decision)
    assert state(held) == "waiting"
    assert engine.instances.reader.get(id).state == "paused"
    engine.services.pauser.resume(id, by="ana")


def holds(instance: Any, said: dict[str, Any]) -> None:
    """What came of it is what the comment says."""
    assert instance.state == said.get("state", "succeeded"), instance.error
    if "outputs" in said:
        assert instance.outputs == said["outputs"]
    if "failure" in said:
        assert [(it["path"], it["error"]["kind"]) for it in instance.error["failures"]] == [tuple(said["failure"])]


@pytest.mark.parametrize("example", RUN, ids=lambda example: example.name)
def test_examples_run_as_the_page_says(example, engine, started):
    instance, decisions = started[example.name], example.run.get("decide", {})
    if "pause" in example.run:
        hold(engine, instance, before=example.run["pause"], held=example.run["held"], decisions=decisions)
        decisions = {}
    holds(ended(engine, instance, decisions), example.run)
    if "retry" in example.run:
        engine.services.retrier.retry(instance, by="ana")
        holds(ended(engine, instance, decisions), example.run["retry"])


def test_examples_that_run_have_names_of_their_own():
    assert len({example.name for example in RUN}) == len(RUN)
    assert len(RUN) > 10
