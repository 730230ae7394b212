"""Commits become versions, all of a commit or nothing of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.adapters.clock import SystemClock
from engine.adapters.databases.connect import DefinitionsDatabase
from engine.adapters.git.repository import GitRepository
from engine.app.ports import DefinitionStore
from engine.app.project import ActiveProject
from engine.app.sync import Synchronizer
from engine.app.tell_author import AuthorNotice
from engine.app.versions import Source
from engine.core.project import Project
from engine.errors import Unavailable
from tests.sync.told import PROJECT, Told, workflow
from tests.sync.upstream import Upstream


def names(definitions: DefinitionStore) -> list[str]:
    return [version.workflow for version in definitions.active_all()]


def test_a_commit_becomes_versions(upstream: Upstream, sync: Synchronizer, definitions: DefinitionStore):
    first = upstream.commit({"workflows/a.yaml": workflow("alpha")}, author="Ana")
    head = upstream.commit({"workflows/b.yaml": workflow("beta"), "workflows/project.yaml": PROJECT}, author="Bo")
    report = sync.run_once()
    assert (report.state, report.commit, report.added) == ("loaded", head, ("alpha", "beta"))
    alpha = definitions.active("alpha")
    assert (alpha.commit, alpha.path, alpha.author_name) == (head, "workflows/a.yaml", "Ana")
    assert alpha.author_email == "ana@example.com"
    assert alpha.text == workflow("alpha")
    assert definitions.active("beta").author_name == "Bo"
    assert first != head
    assert ActiveProject(definitions)().sync_channel == "releases"


def test_only_what_changed_gets_a_new_version(upstream: Upstream, sync: Synchronizer, definitions: DefinitionStore):
    upstream.commit({"workflows/a.yaml": workflow("alpha"), "workflows/b.yaml": workflow("beta")})
    sync.run_once()
    alpha, beta = definitions.active("alpha"), definitions.active("beta")
    upstream.commit({"workflows/b.yaml": workflow("beta", 2)}, author="Bo")
    report = sync.run_once()
    assert (report.added, report.changed, report.removed) == ((), ("beta",), ())
    assert definitions.active("alpha") == alpha
    assert definitions.active("beta").digest != beta.digest
    assert [version.id for version in definitions.versions("beta")] == [definitions.active("beta").id, beta.id]


def test_a_removed_file_deactivates_and_a_renamed_one_moves(
    upstream: Upstream, sync: Synchronizer, definitions: DefinitionStore
):
    upstream.commit({"workflows/a.yaml": workflow("alpha"), "workflows/b.yaml": workflow("beta")})
    sync.run_once()
    kept = definitions.active("alpha")
    upstream.commit({"workflows/a.yaml": None, "workflows/b.yaml": None, "workflows/c.yaml": workflow("beta")})
    report = sync.run_once()
    assert (report.changed, report.removed) == (("beta",), ("alpha",))
    assert names(definitions) == ["beta"]
    assert definitions.active("beta").path == "workflows/c.yaml"
    assert definitions.version(kept.id) == kept
    upstream.commit({"workflows/c.yaml": None, "workflows/x.md": "nothing left"})
    assert sync.run_once().removed == ("beta",)
    assert names(definitions) == []


def test_a_bad_commit_is_refused_as_a_whole_and_its_author_told(
    upstream: Upstream, sync: Synchronizer, definitions: DefinitionStore, told: Told
):
    upstream.commit({"workflows/a.yaml": workflow("alpha"), "workflows/project.yaml": PROJECT})
    sync.run_once()
    assert [status["good"] for status in told.statuses] == [True]
    good = definitions.active("alpha")
    bad = upstream.commit(
        {
            "workflows/a.yaml": workflow("alpha", 2),
            "workflows/b.yaml": "name: beta\ntasks:\n  x: {uses: values, needs: y}\n",
            "workflows/c.yaml": "name: [\n",
            "workflows/project.yaml": "sync: {channel: nobody}\n",
        },
        author="Bo",
        message="break it",
    )
    report = sync.run_once()
    assert (report.state, report.commit, report.author_name) == ("refused", bad, "Bo")
    assert {finding["path"] for finding in report.findings} >= {"workflows/b.yaml", "workflows/c.yaml"}
    assert definitions.active("alpha") == good
    assert names(definitions) == ["alpha"]
    assert definitions.last_sync("main") == report
    status = told.statuses[-1]
    assert (status["good"], status["sha"], status["token"]) == (False, bad, "value of GITHUB_TOKEN")
    assert len(str(status["description"])) <= 140
    [message] = told.messages
    assert "workflows/b.yaml:3:" in message.text
    assert "Bo" in message.text
    assert sync.run_once().state == "unchanged"
    assert len(told.messages) == 1

    upstream.commit({"workflows/b.yaml": None, "workflows/c.yaml": None, "workflows/project.yaml": PROJECT})
    assert sync.run_once().state == "loaded"
    assert [status["good"] for status in told.statuses] == [True, False, True]
    assert "well again" in told.messages[-1].subject


def test_warnings_of_rules_are_kept_and_notes_are_for_authors(upstream: Upstream, sync: Synchronizer):
    text = "name: alpha\ninputs: {x: {type: string}}\ntasks: {a: {run: x}, b: {needs: a, join: any, run: x}}\n"
    upstream.commit({"workflows/a.yaml": text})
    report = sync.run_once()
    assert report.state == "loaded"
    assert [finding["rule"] for finding in report.findings] == ["unused-input"]


def test_what_breaks_a_policy_is_refused(upstream: Upstream, sync: Synchronizer, definitions: DefinitionStore):
    upstream.commit({"workflows/a.yaml": workflow("alpha"), "workflows/project.yaml": "policies: {}\n"})
    assert sync.run_once().state == "loaded"
    policies = "policies: {require_labels: team, severity: {needless-join: error}}\n"
    joined = "name: beta\nlabels: {team: x}\ntasks: {a: {run: x}, b: {needs: a, join: any, run: x}}\n"
    upstream.commit({"workflows/b.yaml": joined, "workflows/project.yaml": policies})
    report = sync.run_once()
    assert report.state == "refused"
    assert [finding["rule"] for finding in report.findings] == ["required-label", "needless-join"]
    assert names(definitions) == ["alpha"]
    softened = "policies: {require_labels: team, severity: {needless-join: 'off', required-label: warning}}\n"
    upstream.commit({"workflows/project.yaml": softened})
    assert sync.run_once().state == "loaded"
    assert names(definitions) == ["alpha", "beta"]


@pytest.mark.parametrize(
    "error",
    [Unavailable("the commit status API"), UnicodeError("nobody foresaw it")],
    ids=["unavailable", "unforeseen"],
)
def test_nobody_reachable_fails_no_sync(
    upstream: Upstream, sync: Synchronizer, definitions: DefinitionStore, told: Told, error: Exception
):
    told.error = error
    upstream.commit({"workflows/a.yaml": workflow("alpha"), "workflows/project.yaml": PROJECT})
    assert sync.run_once().state == "loaded"
    upstream.commit({"workflows/a.yaml": "name: 1\n"})
    assert sync.run_once().state == "refused"
    assert names(definitions) == ["alpha"]
    assert [report.state for report in definitions.syncs()] == ["refused", "loaded"]


def test_hostile_files_are_findings(upstream: Upstream, sync: Synchronizer, definitions: DefinitionStore):
    upstream.commit({"workflows/a.yaml": workflow("alpha")})
    sync.run_once()
    (upstream.path / "workflows/link.yaml").symlink_to("/etc/passwd")
    upstream.seal()
    report = sync.run_once()
    assert report.state == "refused"
    [finding] = report.findings
    assert (finding["path"], finding["severity"]) == ("workflows/link.yaml", "error")
    assert "symbolic link" in finding["message"]
    assert names(definitions) == ["alpha"]


def test_an_unchanged_head_is_looked_at_once_per_process_and_recorded_never(
    upstream: Upstream, make, definitions: DefinitionStore, told: Told
):
    upstream.commit({"workflows/a.yaml": workflow("alpha"), "workflows/project.yaml": PROJECT})
    make().run_once()
    sync = make()
    assert [sync.run_once().state for _ in range(3)] == ["unchanged"] * 3
    upstream.commit({"workflows/a.yaml": "name: 1\n"})
    assert make().run_once().state == "refused"
    assert make().run_once().state == "unchanged"
    assert [report.state for report in definitions.syncs()] == ["refused", "loaded"]
    assert len(told.messages) == 1


def test_another_folder_of_the_same_commit_is_loaded(upstream: Upstream, make, definitions: DefinitionStore):
    upstream.commit({"workflows/a.yaml": workflow("alpha"), "flows/b.yaml": workflow("beta")})
    make().run_once()
    report = make(folder="flows").run_once()
    assert (report.state, report.added, report.removed) == ("loaded", ("beta",), ("alpha",))


def test_a_remote_that_is_down_is_recorded_once_and_the_last_good_version_serves(
    upstream: Upstream, sync: Synchronizer, definitions: DefinitionStore
):
    upstream.commit({"workflows/a.yaml": workflow("alpha")})
    sync.run_once()
    away = upstream.path.rename(upstream.path.with_name("away"))
    reports = [sync.run_once() for _ in range(3)]
    assert {report.state for report in reports} == {"failed"}
    assert "git remote" in reports[0].error
    assert names(definitions) == ["alpha"]
    away.rename(upstream.path)
    assert sync.run_once().state == "unchanged"
    assert [report.state for report in definitions.syncs()] == ["unchanged", "failed", "loaded"]
    upstream.commit({"workflows/a.yaml": workflow("alpha", 2)})
    assert sync.run_once().state == "loaded"


def test_a_forced_push_is_followed_and_said(upstream: Upstream, sync: Synchronizer, definitions: DefinitionStore):
    upstream.commit({"workflows/a.yaml": workflow("alpha")})
    lost = upstream.commit({"workflows/a.yaml": workflow("alpha", 2)})
    sync.run_once()
    upstream.git("reset", "-q", "--hard", "HEAD~1")
    report = sync.run_once()
    assert report.state == "loaded"
    [finding] = report.findings
    assert (finding["rule"], finding["severity"]) == ("branch-rewritten", "warning")
    assert lost[:12] in finding["message"]
    assert "x: 1" in definitions.active("alpha").text
    upstream.git("reset", "-q", "--hard", lost)
    assert sync.run_once().findings == ()
    assert definitions.active("alpha").commit == lost


def test_a_rewritten_and_refused_head_is_told_once(upstream: Upstream, make, definitions: DefinitionStore, told: Told):
    upstream.commit({"workflows/a.yaml": workflow("alpha"), "workflows/project.yaml": PROJECT})
    upstream.commit({"workflows/a.yaml": workflow("alpha", 2)})
    make().run_once()
    upstream.git("reset", "-q", "--hard", "HEAD~1")
    upstream.commit({"workflows/a.yaml": "name: 1\n"})
    assert [make().run_once().state for _ in range(3)] == ["refused", "unchanged", "unchanged"]
    assert len(told.messages) == 1


def test_pokes_cross_processes_and_count_once(make, database: DefinitionsDatabase):
    follower, other = make(), make()
    assert not follower.poked()
    other.poke()
    other.poke()
    assert follower.poked()
    assert not follower.poked()


def test_looks_at_its_pace_and_at_once_when_poked(
    upstream: Upstream, source: Source, repository: GitRepository, definitions: DefinitionStore, told: Told
):
    now = 0.0
    sync = Synchronizer(
        source=source,
        repository=repository,
        definitions=definitions,
        clock=SystemClock(),
        author=AuthorNotice(statuses=told, secrets=told, channels=told),
        monotonic=lambda: now,
    )

    def look() -> str | None:
        report = sync.look(30.0)
        return report.state if report else None

    upstream.commit({"workflows/a.yaml": workflow("alpha")})
    assert look() == "loaded"
    now = 29.0
    assert look() is None
    now = 30.0
    assert look() == "unchanged"
    upstream.commit({"workflows/a.yaml": workflow("alpha", 2)})
    now = 31.0
    assert look() is None
    sync.poke()
    assert look() == "loaded"
    assert look() is None


def test_no_repository_yet(upstream: Upstream, sync: Synchronizer, definitions: DefinitionStore):
    report = sync.run_once()
    assert (report.state, report.commit) == ("failed", None)
    assert "no commits yet" in report.error
    assert ActiveProject(definitions)() == Project()


def test_passwords_are_not_stored(source: Source, repository: GitRepository, upstream: Upstream, make, sqlite_url: str):
    upstream.commit({"workflows/a.yaml": workflow("alpha")})
    assert make(url="https://ana:hunter2@git.example.com/flows").run_once().state == "loaded"
    assert b"hunter2" not in Path(sqlite_url.removeprefix("sqlite:///")).read_bytes()


def test_the_project_is_read_once_a_second(definitions: DefinitionStore, sync: Synchronizer, upstream: Upstream):
    now = 0.0
    project = ActiveProject(definitions, clock=lambda: now)
    assert project().sync_channel == ""
    upstream.commit({"workflows/project.yaml": PROJECT})
    sync.run_once()
    assert project().sync_channel == ""
    now = 1.0
    assert project.read().source == "main"
    assert project().sync_channel == "releases"
