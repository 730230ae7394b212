"""Examples in docs/ and the README load and run as they stand there; the reference has every key, function and number."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from uuid_utils import uuid7

from engine.app.versions import ProjectVersion, Source, SyncReport, Version
from engine.bootstrap import Application
from engine.cli.serve import embedded_workers
from engine.config import Config
from engine.core.codec import definition_to_json, digest
from engine.core.expressions.catalog import FUNCTIONS, LAZY, MACROS, METHODS
from engine.spec import models, project_models
from engine.spec.document import read
from engine.spec.fields import Later
from engine.spec.kinds import LATER_KINDS, PARAMS
from engine.spec.load import Loaded, load
from engine.spec.nodes import Document

ROOT = Path(__file__).resolve().parent.parent
HELD_ELSEWHERE = {ROOT / "docs" / "rules.md"}
"""tests/lint holds its examples, half of which are wrong on purpose."""
PAGES = sorted({ROOT / "README.md", *(ROOT / "docs").rglob("*.md")} - HELD_ELSEWHERE)
LANGUAGE = ROOT / "docs" / "language.md"
FENCE = re.compile(r"(?:^<!-- run (?P<run>.*?) -->\n)?^```(?P<info>yaml.*)\n(?P<text>(?:.*\n)*?)^```$", re.MULTILINE)
PATIENCE = 30.0


@dataclass(frozen=True, kw_only=True)
class Example:
    """One fenced block of YAML. `run` is what the comment above it says: inputs, decisions of people, and what comes of it."""

    page: Path
    line: int
    info: str
    text: str
    run: dict[str, Any] | None

    @property
    def is_project(self) -> bool:
        return self.text.startswith("# project.yaml\n")

    @property
    def is_workflow(self) -> bool:
        return bool(re.search(r"^name: ", self.text, re.MULTILINE) and re.search(r"^tasks:", self.text, re.MULTILINE))

    @property
    def name(self) -> str:
        return re.search(r"^name: (.*)$", self.text, re.MULTILINE)[1]

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
            text=found["text"],
            run=None if found["run"] is None else json.loads(found["run"]),
        )
        for found in FENCE.finditer(text)
    )


ALL = [example for page in PAGES for example in examples(page)]
WORKFLOWS = [example for example in ALL if example.is_workflow]
RUN = [example for example in ALL if example.run is not None]


def project_of(page: Path) -> str:
    """The page's own project.yaml, or that of the reference."""
    found = [example.text for example in (*examples(page), *examples(LANGUAGE)) if example.is_project]
    return found[0]


def loaded(example: Example) -> Loaded:
    files = {"workflows/example.yaml": example.text, "workflows/project.yaml": project_of(example.page)}
    return load({path: text.encode() for path, text in files.items()})


@pytest.mark.parametrize("example", ALL, ids=str)
def test_every_example_is_a_workflow_a_project_or_said_to_be_a_fragment(example):
    if "fragment" in example.info:
        assert isinstance(read("fragment.yaml", example.text.encode()), Document)
    else:
        assert example.is_workflow or example.is_project


@pytest.mark.parametrize("example", WORKFLOWS, ids=str)
def test_workflows_load_without_findings(example):
    assert [str(finding) for finding in loaded(example).findings] == []


@pytest.mark.parametrize("example", [example for example in ALL if example.is_project], ids=str)
def test_projects_load_without_findings(example):
    assert load({"workflows/project.yaml": example.text.encode()}).findings == ()


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
    definition = loaded(example).workflows["workflows/example.yaml"]
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
def engine(tmp_path_factory, busy) -> Iterator[Application]:
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


def inputs_of(example: Example, busy: HTTPServer) -> dict[str, Any]:
    here = f"http://127.0.0.1:{busy.server_port}/"
    return {name: here if value == "SERVER" else value for name, value in example.run.get("inputs", {}).items()}


@pytest.fixture(scope="module")
def started(engine, busy) -> dict[str, str]:
    """All at once, for most of them wait most of the time."""
    return {example.name: engine.starter.start(example.name, inputs_of(example, busy), by="carla") for example in RUN}


def ended(engine: Application, id: str, decisions: dict[str, list[Any]]) -> Any:
    """The instance once it is final; whoever is asked meanwhile decides as the example says."""
    left = dict(decisions)
    deadline = time.monotonic() + PATIENCE
    while (instance := engine.instances.reader.get(id)).state not in ("succeeded", "failed", "cancelled"):
        assert time.monotonic() < deadline, f"{instance.workflow} is still {instance.state}"
        for approval in engine.instances.approvals.list(instance=id):
            if approval.path in left:
                person, decision, *form = left.pop(approval.path)
                engine.approver.decide(
                    approval.id, person=person, decision=decision, form=form[0] if form else None, via="api"
                )
        engine.broker.signals.wait(id, 0.05)
    return instance


@pytest.mark.parametrize("example", RUN, ids=lambda example: example.name)
def test_examples_run_as_the_page_says(example, engine, started):
    instance = ended(engine, started[example.name], example.run.get("decide", {}))
    expected = example.run.get("state", "succeeded")
    assert instance.state == expected, instance.error
    if "outputs" in example.run:
        assert instance.outputs == example.run["outputs"]
    if "failure" in example.run:
        assert [(it["path"], it["error"]["kind"]) for it in instance.error["failures"]] == [
            tuple(example.run["failure"])
        ]


def test_examples_that_run_have_names_of_their_own():
    assert len({example.name for example in RUN}) == len(RUN)
    assert len(RUN) > 10


def section(heading: str) -> str:
    """The text below a heading of the reference, up to the next one of its level or above."""
    level, _, _ = heading.partition(" ")
    text = re.sub(r"^```.*?^```$", "", LANGUAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    start = text.index(f"\n{heading}\n")
    end = re.compile(rf"^#{{1,{len(level)}}} ", re.MULTILINE).search(text, start + len(heading) + 2)
    return text[start : end.start() if end else None]


SECTIONS = {
    models.WorkflowKeys: "## Top-level keys",
    models.CheckKeys: "## Checks",
    models.OnKeys: "## Triggers",
    models.WebhookKeys: "## Triggers",
    models.DefaultsKeys: "## Defaults",
    models.TaskKeys: "## Keys of a task",
    models.RetryKeys: "## retry",
    models.AtLeast: "## Joins",
    project_models.ProjectKeys: "# project.yaml",
    project_models.PersonKeys: "# project.yaml",
    project_models.ChannelKeys: "# project.yaml",
    project_models.WebhookSourceKeys: "# project.yaml",
    project_models.ApprovalsKeys: "# project.yaml",
    project_models.SyncKeys: "# project.yaml",
    project_models.StatusKeys: "# project.yaml",
    **{model: f"## {'run' if kind == 'script' else kind}" for kind, model in PARAMS.items() if model is not None},
}


def keys() -> Iterator[tuple[str, str]]:
    for model, heading in SECTIONS.items():
        types = get_type_hints(model, include_extras=True)
        for name, field in model.model_fields.items():
            later = any(isinstance(mark, Later) for mark in getattr(types[name], "__metadata__", ()))
            yield "# Not supported yet" if later else heading, field.alias or name


@pytest.mark.parametrize(("heading", "key"), sorted(set(keys())))
def test_every_key_has_its_place_in_the_reference(heading, key):
    assert re.search(rf"[`{{ ]{key}[`:]", section(heading))


def test_every_model_that_is_read_has_a_section():
    every = {
        model
        for module in (models, project_models)
        for model in vars(module).values()
        if isinstance(model, type) and issubclass(model, models.Shape) and model is not models.Shape
    }
    later = {
        models.CompensateKeys,
        models.RepeatKeys,
        models.CacheKeys,
        models.ArtifactKeys,
        models.ConcurrencyKeys,
        models.RateLimitKeys,
        models.ListedTaskKeys,
        models.ScheduleKeys,
        models.EventKeys,
        models.AfterWorkflowKeys,
    }
    assert every - later <= set(SECTIONS)


@pytest.mark.parametrize("kind", sorted({*PARAMS, *LATER_KINDS}))
def test_every_kind_is_in_the_reference(kind):
    assert f"`{kind}`" in LANGUAGE.read_text()


@pytest.mark.parametrize("name", sorted({*FUNCTIONS, "has"}))
def test_every_function_is_in_the_reference(name):
    assert f"`{name}(" in section("## Operators and functions")


@pytest.mark.parametrize("name", sorted({*METHODS, *MACROS, *LAZY}))
def test_every_method_is_in_the_reference(name):
    assert f"`x.{name}(" in section("## Operators and functions")


def test_the_reference_has_no_function_that_there_is_not():
    table = section("## Operators and functions")
    called = {name.removeprefix("x.") for name in re.findall(r"`([\w.]+)\(", table)}
    assert called <= {*FUNCTIONS, *METHODS, *MACROS, *LAZY, "has"}


def error_kinds() -> set[str]:
    """Every kind that stands in the code as it is; that of a status is made from it."""
    code = "\n".join(
        path.read_text() for layer in ("core", "app", "adapters") for path in (ROOT / "engine" / layer).rglob("*.py")
    )
    raised = re.findall(r'Failed\("([a-z_]+)"', code)
    return {
        *raised,
        *re.findall(r'"kind": "([a-z_]+)"', code),
        "expression",
        "budget",
        "secret",
        "unavailable",
        "internal",
    }


@pytest.mark.parametrize("kind", sorted(error_kinds()))
def test_every_kind_of_error_is_in_the_reference(kind):
    assert f"`{kind}`" in section("## Kinds of errors")
