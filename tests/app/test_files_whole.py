"""Files through the whole engine, as its processes are put together: by scripts and containers, in a folder and in a bucket."""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path

import pytest
from uuid_utils import uuid7

from engine.app.versions import ProjectVersion, Source, SyncReport, Version
from engine.bootstrap import Application
from engine.cli.serve import embedded_workers
from engine.config import Config
from engine.core.codec import definition_to_json, digest
from engine.spec.load import load
from tests.kinds import stand_in

TEXT = """
name: whole
tasks:
  build:
    for_each: [one, two]
    as: part
    key: part
    run: echo "$PART" > part.txt
    env: {PART: "${{ part }}"}
    artifacts: {out: {part: part.txt}}
  join:
    needs: build
    uses: container
    with: {image: "alpine:3", command: "cat parts/*/part.txt > all.txt; echo lines=$(wc -l < all.txt) > $HEADRACE_OUTPUT"}
    artifacts: {in: {parts: build.part}, out: [all.txt]}
    outputs: {lines: {type: integer}}
  check:
    needs: join
    run: test "$(cat all.txt)" = "$(printf 'one\\ntwo')"
    artifacts: {in: [join.all]}
outputs: {lines: "${{ tasks.join.outputs.lines }}"}
"""


@pytest.fixture(params=["folder", "s3"])
def engine(request, tmp_path):
    docker = tmp_path / "docker"
    docker.write_text(f"#!{sys.executable}\n{Path(stand_in.__file__).read_text()}")
    docker.chmod(0o755)
    url = request.getfixturevalue("s3_url").replace("?", "/whole?") if request.param == "s3" else ""
    made = Application(Config(state_dir=tmp_path / "state", artifacts=url, container_command=str(docker)))
    made.upgrade()
    with embedded_workers(made):
        yield made
    made.close()


def start(engine, text):
    files = {"w/w.yaml": text.encode(), "w/project.yaml": b"people: {}"}
    loaded = load(files)
    assert not loaded.errors, [str(finding) for finding in loaded.errors]
    definition = loaded.workflows["w/w.yaml"]
    document = definition_to_json(definition)
    version = Version(
        id=str(uuid7()),
        workflow=definition.name,
        digest=digest(document),
        source="main",
        commit="0" * 40,
        path="w/w.yaml",
        author_name="Rosa",
        author_email="rosa@example.com",
        committed_at=0,
        text=text,
        document=document,
    )
    engine.definitions.definitions.load(
        report=SyncReport(id=str(uuid7()), source="main", commit="0" * 40, state="loaded"),
        source=Source(name="main", url="here"),
        versions=[version],
        project=ProjectVersion(source="main", commit="0" * 40, document=loaded.project.to_json()),
    )
    return engine.starter.start(definition.name, {}, by="rosa")


def test_files_go_through_scripts_and_containers(engine):
    instance = start(engine, TEXT)
    until = time.monotonic() + 30
    while (found := engine.instances.reader.get(instance)).state not in ("succeeded", "failed"):
        assert time.monotonic() < until, found.state
        engine.broker.signals.wait(instance, 0.05)
    assert (found.state, found.outputs) == ("succeeded", {"lines": 2}), found.error
    [joined] = engine.services.artifacts.list(instance, path="join")
    assert joined.digest == hashlib.sha256(b"one\ntwo\n").hexdigest()
    with engine.services.files.open(joined.digest) as content:
        assert content.read() == b"one\ntwo\n"
