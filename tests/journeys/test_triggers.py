"""The clock starts a workflow, its end another one, and that one's task a third: through the whole engine in this process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from uuid_utils import uuid7

from engine.app.records import FINAL, Instance
from engine.app.versions import ProjectVersion, Source, SyncReport, Version
from engine.bootstrap import Application
from engine.cli.serve import embedded_workers
from engine.config import Config
from engine.core.codec import definition_to_json, digest
from engine.spec.load import load
from tests.servers import wait_until

FILES = {
    "nightly.yaml": """
name: nightly
on: {schedule: [{cron: "0 0 1 1 *", inputs: {at: "${{ trigger.scheduled_at }}"}}]}
inputs: {at: {type: string}}
tasks:
  build: {run: 'echo "image=$AT" >> "$HEADRACE_OUTPUT"', env: {AT: "${{ inputs.at }}"}, outputs: {image: {type: string}}}
outputs: {image: "${{ tasks.build.outputs.image }}"}
""",
    "release.yaml": """
name: release
on: {workflow: [{name: nightly, inputs: {image: "${{ trigger.body.outputs.image }}"}}]}
inputs: {image: {type: string}}
tasks:
  deploy: {for_each: [eu, us], as: region, workflow: deploy, with: {image: "${{ inputs.image }}", region: "${{ region }}"}}
outputs: {done: "${{ tasks.deploy.outputs.map(d, d.done) }}"}
""",
    "deploy.yaml": """
name: deploy
inputs: {image: {type: string}, region: {type: string}}
tasks:
  roll: {run: "true"}
outputs: {done: "${{ inputs.region }} ${{ inputs.image }}"}
""",
    "slow.yaml": "name: slow\ntasks:\n  inner: {workflow: sleeper}\n",
    "sleeper.yaml": "name: sleeper\ntasks:\n  sleep: {run: sleep 60}\n",
}


@pytest.fixture
def engine(tmp_path) -> Iterator[Application]:
    application = Application(Config(state_dir=tmp_path / "state"))
    application.upgrade()
    loaded = load({f"workflows/{name}": text.encode() for name, text in FILES.items()})
    assert not loaded.errors, [str(finding) for finding in loaded.errors]
    versions = []
    for path, definition in loaded.workflows.items():
        document = definition_to_json(definition)
        versions.append(
            Version(
                id=str(uuid7()),
                workflow=definition.name,
                digest=digest(document),
                source="main",
                commit="0" * 40,
                path=path,
                author_name="Rosa",
                author_email="rosa@example.com",
                committed_at=0,
                text=loaded.texts[path],
                document=document,
            )
        )
    application.definitions.definitions.load(
        report=SyncReport(id=str(uuid7()), source="main", commit="0" * 40, state="loaded"),
        source=Source(name="main", url="here"),
        versions=versions,
        project=ProjectVersion(source="main", commit="0" * 40, document=loaded.project.to_json()),
    )
    with embedded_workers(application):
        yield application
    application.close()


def ended(engine: Application, workflow: str) -> list[Instance]:
    return [one for one in engine.instances.reader.list(workflow=workflow) if one.state in FINAL]


def test_from_the_clock_to_the_last_child(engine: Application):
    schedules = engine.instances.schedules
    wait_until(schedules.all, what="the schedule to be seen")
    (row,) = schedules.all()
    due = engine.instances.recovery.now() - 1_000
    schedules.put(replace(row, pending_at=due))  # as if a run had waited for the one before
    wait_until(lambda: len(ended(engine, "deploy")) == 2, seconds=20, what="both deployments")
    wait_until(lambda: ended(engine, "release"), what="the release")
    (nightly,), (release,) = ended(engine, "nightly"), ended(engine, "release")
    assert nightly.started_by == release.started_by == "schedule:0 0 1 1 *"
    at = nightly.trigger["scheduled_at"]
    assert release.outputs == {"done": [f"eu {at}", f"us {at}"]}
    assert release.trigger["id"] == nightly.id
    children = engine.instances.reader.list(parent=release.id)
    assert sorted(child.parent.path for child in children if child.parent) == ["deploy[0]", "deploy[1]"]
    assert {child.depth for child in children} == {2}


def test_a_cancelled_parent_ends_with_its_child(engine: Application):
    parent = engine.starter.start("slow", {}, by="ana")
    reader = engine.instances.reader
    wait_until(lambda: reader.list(parent=parent), what="the child")
    (child,) = reader.list(parent=parent)
    engine.canceller.cancel(parent, by="ben")
    wait_until(lambda: reader.get(parent).state == "cancelled", seconds=20, what="the parent's end")
    assert reader.get(child.id).state == "cancelled"
