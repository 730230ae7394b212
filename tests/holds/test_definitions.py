"""The definitions DB: a commit becomes active as a whole, versions never change, names are unique."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from engine.adapters.databases.connect import DefinitionsDatabase, open_definitions
from engine.app.ports import DefinitionStore
from engine.app.versions import ProjectVersion, Source, SyncReport, Version
from engine.errors import Conflict, NotFound


@pytest.fixture
def database(database_url: str) -> Iterator[DefinitionsDatabase]:
    opened = open_definitions(database_url)
    yield opened
    opened.close()


@pytest.fixture
def store(database: DefinitionsDatabase) -> DefinitionStore:
    return database.definitions


def version(workflow: str, commit: str = "c1", **changes: Any) -> Version:
    values = {
        "id": f"{workflow}@{commit}",
        "digest": f"digest-{workflow}",
        "source": "main",
        "path": f"workflows/{workflow}.yaml",
        "author_name": "Ada",
        "author_email": "ada@example.com",
        "committed_at": 5,
        "text": f"name: {workflow}\n",
        "document": {"name": workflow},
    }
    return Version(workflow=workflow, commit=commit, **values | changes)


def report(id: str, **changes: Any) -> SyncReport:
    return SyncReport(**{"id": id, "source": "main", "commit": "c1", "state": "loaded", "at": 1} | changes)


def load(store: DefinitionStore, *versions: Version, sync: str, source: str = "main", commit: str = "c1") -> None:
    store.load(
        report=report(sync, source=source, commit=commit),
        source=Source(name=source, url="/repo"),
        versions=versions,
        project=ProjectVersion(source=source, commit=commit, document={"vars": {"commit": commit}}),
    )


def test_a_loaded_commit_is_active_as_a_whole(store: DefinitionStore):
    assert store.project() is None
    assert store.active_all() == []
    load(store, version("release"), version("build"), sync="s1")
    assert store.active("release") == version("release")
    assert [one.workflow for one in store.active_all()] == ["build", "release"]
    assert store.version("release@c1") == version("release")
    assert store.project() == ProjectVersion(source="main", commit="c1", document={"vars": {"commit": "c1"}})
    assert store.last_sync("main") == report("s1")


def test_the_next_commit_replaces_it_and_keeps_its_versions(store: DefinitionStore):
    load(store, version("release"), version("build"), sync="s1")
    changed = version("release", "c2", digest="digest-2", text="changed")
    load(store, changed, version("test", "c2"), sync="s2", commit="c2")
    assert [one.id for one in store.active_all()] == ["release@c2", "test@c2"]
    with pytest.raises(NotFound):
        store.active("build")
    assert store.version("build@c1") == version("build")
    assert {one.id for one in store.versions("release")} == {"release@c1", "release@c2"}
    assert len(store.versions("release", limit=1)) == 1
    assert store.project().commit == "c2"


def test_an_unchanged_file_keeps_its_version(store: DefinitionStore):
    load(store, version("release"), sync="s1")
    load(store, version("release"), version("build", "c2"), sync="s2", commit="c2")
    assert store.active("release").commit == "c1"
    assert len(store.versions("release")) == 1


def test_two_that_load_the_same_commit_agree_on_its_versions(store: DefinitionStore):
    def sync(number: int) -> None:
        load(store, version("release", id=f"v{number}"), sync=f"s{number}")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(sync, range(8)))
    (kept,) = store.versions("release")
    assert store.active("release") == kept


@pytest.mark.parametrize("state", ["loaded", "refused"])
def test_of_those_that_come_to_the_same_with_a_commit_one_is_first(store: DefinitionStore, state: str):
    def settle(number: int) -> bool:
        said = report(f"s{number}", state=state, commit="c2")
        if state == "refused":
            return store.record_sync(said, known="s0")
        source, project = Source(name="main", url="/repo"), ProjectVersion(source="main", commit="c2", document={})
        return store.load(report=said, source=source, versions=[], project=project, known="s0")

    load(store, version("release"), sync="s0")
    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(settle, range(1, 9))) == 1
    assert [one.state for one in store.syncs()] == [state, "loaded"]


def test_a_commit_is_settled_only_by_who_has_seen_what_was_settled_last(store: DefinitionStore):
    assert store.record_sync(report("s1", state="refused"), known="")
    assert store.record_sync(report("s2", state="refused", at=2), known="s1")
    assert not store.record_sync(report("s3", state="refused", at=3), known="s1")
    assert not store.record_sync(report("s4", state="refused", commit="c2", at=4), known="s1")
    assert not store.record_sync(report("s5", state="refused", at=5), known="")
    assert store.record_sync(report("s6", state="failed", commit=None, at=6))
    assert store.record_sync(report("s7", state="refused", source="team", at=7), known="")
    assert store.record_sync(report("s8", state="refused", commit="c2", at=8), known="s2")
    assert not store.record_sync(report("s9", state="refused", source="gone", at=9), known="s2")


def test_an_older_commit_is_not_loaded_over_a_newer_one(store: DefinitionStore):
    load(store, version("release"), sync="s1")
    load(store, version("release", "c3", digest="3"), version("build", "c3"), sync="s2", commit="c3")
    late = {
        "report": report("s3", commit="c2", at=3),
        "source": Source(name="main", url="/elsewhere"),
        "versions": [version("release", "c2", digest="2")],
        "project": ProjectVersion(source="main", commit="c2", document={}),
    }
    assert not store.load(**late, known="s1")
    assert [one.id for one in store.active_all()] == ["build@c3", "release@c3"]
    assert (store.project().commit, store.source("main").url, len(store.versions("release"))) == ("c3", "/repo", 2)
    assert store.load(**late, known="s2")
    assert [one.id for one in store.active_all()] == ["release@c2"]
    assert store.source("main") == Source(name="main", url="/elsewhere")
    assert store.source("team") is None


def test_a_missing_workflow_is_told_with_what_was_meant(store: DefinitionStore):
    load(store, version("release"), sync="s1")
    with pytest.raises(NotFound, match="did you mean 'release'"):
        store.active("relaese")
    with pytest.raises(NotFound):
        store.version("gone")


def test_names_are_unique_over_sources_and_a_clash_changes_nothing(store: DefinitionStore):
    load(store, version("release"), sync="s1")
    with pytest.raises(Conflict, match="release"):
        load(
            store,
            version("other", source="team", id="x1"),
            version("release", source="team", id="x2"),
            sync="s2",
            source="team",
        )
    assert [one.id for one in store.active_all()] == ["release@c1"]
    assert store.last_sync("team") is None
    assert store.project().source == "main"
    load(store, version("other", source="team", id="x1"), sync="s3", source="team")
    assert [one.source for one in store.active_all()] == ["team", "main"]


def test_workflows_listen_to_the_webhook_sources_they_name(store: DefinitionStore):
    both = {"webhooks": [{"source": "github"}, {"source": "github", "events": ["push"]}, {"source": "generic"}]}
    load(
        store,
        version("release", document=both),
        version("build", document={"webhooks": [{"source": "github"}]}),
        version("quiet"),
        sync="s1",
    )
    assert [one.workflow for one in store.listening("github")] == ["build", "release"]
    assert [one.workflow for one in store.listening("generic")] == ["release"]
    load(store, version("release", "c2", document={}), sync="s2", commit="c2")
    assert store.listening("github") == []


def test_who_listens_to_a_clock_an_event_or_another_workflow(store: DefinitionStore):
    document = {
        "schedules": [{"cron": "0 6 * * *"}, {"cron": "0 7 * * *"}],
        "events": [{"type": "image.published"}, {"type": "image.published"}],
        "workflows": [{"name": "build"}, {"name": "test"}],
    }
    load(
        store,
        version("release", document=document),
        version("build", document={"workflows": [{"name": "test"}]}),
        sync="s1",
    )
    nightly = store.listeners("schedule")
    assert [(one.name, one.workflow) for one in nightly] == [("", "release")]
    assert store.version(nightly[0].version).document == document
    assert [one.workflow for one in store.listeners("event", "image.published")] == ["release"]
    assert store.listeners("event", "image") == []
    assert [(one.name, one.workflow) for one in store.listeners("workflow")] == [
        ("test", "build"),
        ("build", "release"),
        ("test", "release"),
    ]
    assert [one.workflow for one in store.listeners("workflow", "test")] == ["build", "release"]
    load(store, version("release", "c2", document={}), sync="s2", commit="c2")
    assert store.listeners("workflow") == []


def test_syncs_are_remembered_with_their_findings(store: DefinitionStore):
    finding = {"path": "workflows/a.yaml", "line": 3, "message": "no"}
    refused = report("s2", state="refused", at=2, findings=(finding,), author_email="ada@example.com", added=("a",))
    failed = report("s3", state="failed", at=3, commit=None, error="remote is gone")
    load(store, version("release"), sync="s1")
    store.record_sync(refused)
    store.record_sync(failed)
    assert store.syncs("main") == [failed, refused, report("s1")]
    assert store.syncs(limit=1) == [failed]
    assert store.last_sync("main", "refused") == refused
    assert store.last_sync("main", "unchanged") is None
    assert store.last_sync("main", "loaded", "refused") == refused
    assert store.syncs("other") == []


def test_a_sync_is_asked_for_and_taken_once(store: DefinitionStore):
    assert not store.take_sync_request("main")
    store.request_sync("main")
    store.request_sync("main")
    store.request_sync("team")
    with ThreadPoolExecutor(4) as threads:
        taken = list(threads.map(lambda _: store.take_sync_request("main"), range(4)))
    assert taken.count(True) == 1
    assert store.take_sync_request("team")
