"""Several processes follow one source, each as fast as it can, and what is live is what the branch says in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine.adapters.databases.connect import DefinitionsDatabase, open_definitions
from engine.adapters.databases.definition_tables import metadata
from engine.adapters.git.repository import GitRepository, ReadCommit
from engine.app.ports import DefinitionStore
from engine.app.sync import Synchronizer
from engine.app.tell_author import AuthorNotice
from engine.app.versions import Source
from tests.sync.told import PROJECT, Told, workflow
from tests.sync.upstream import Upstream

BROKEN = "name: 1\n"
HOUR = 3_600_000


class Clock:
    """Stands still."""

    def __init__(self, now: int) -> None:
        self._now = now

    def now(self) -> int:
        return self._now


class Slow(GitRepository):
    """`meanwhile` happens once, after the head was fetched or after its files were read."""

    meanwhile: Callable[[], object] | None = None
    after = "files"

    def fetch(self) -> ReadCommit:
        head = super().fetch()
        self._pass("fetch")
        return head

    def files(self, sha: str, folder: str) -> Mapping[str, bytes]:
        files = super().files(sha, folder)
        self._pass("files")
        return files

    def _pass(self, step: str) -> None:
        if self.after == step and self.meanwhile:
            happens, self.meanwhile = self.meanwhile, None
            happens()


class Follower(Synchronizer):
    """A process of its own, with its own copy of the repository."""

    def __init__(self, source: Source, place: Path, definitions: DefinitionStore, told: Told, now: int = HOUR) -> None:
        self.repository = Slow(source, place)
        author = AuthorNotice(statuses=told, secrets=told, channels=told)
        super().__init__(
            source=source, repository=self.repository, definitions=definitions, clock=Clock(now), author=author
        )


@pytest.fixture
def database(database_url: str) -> Iterator[DefinitionsDatabase]:
    database = open_definitions(database_url)
    yield database
    database.close()


@pytest.fixture
def follow(source: Source, tmp_path: Path, definitions: DefinitionStore, told: Told) -> Callable[..., Follower]:
    places = iter("abc")

    def followed(*, now: int = HOUR, **changes: Any) -> Follower:
        return Follower(replace(source, **changes), tmp_path / next(places), definitions, told, now)

    return followed


@pytest.fixture
def tables(database_url: str) -> Iterator[Callable[[Mapping[str, list[Any]]], Mapping[str, list[Any]]]]:
    """Puts a backup in place of what is in the definitions DB, and returns a backup of that."""
    engine = sa.create_engine(database_url)

    def restored(backup: Mapping[str, list[Any]]) -> Mapping[str, list[Any]]:
        with engine.begin() as connection:
            kept = {
                table.name: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
                for table in metadata.sorted_tables
            }
            for table in reversed(metadata.sorted_tables):
                connection.execute(sa.delete(table))
            for table in metadata.sorted_tables:
                if rows := backup.get(table.name):
                    connection.execute(sa.insert(table), rows)
        return kept

    yield restored
    engine.dispose()


def live(definitions: DefinitionStore) -> dict[str, str]:
    return {version.workflow: version.commit for version in definitions.active_all()}


def test_an_older_commit_is_not_loaded_over_a_newer_one(
    upstream: Upstream, follow: Callable[..., Follower], definitions: DefinitionStore
):
    slow, fast = follow(), follow()
    upstream.commit({"workflows/a.yaml": workflow("alpha")})
    assert [slow.run_once().state, fast.run_once().state] == ["loaded", "unchanged"]
    upstream.commit({"workflows/b.yaml": workflow("beta")})

    def meanwhile() -> None:
        upstream.commit({"workflows/b.yaml": None, "workflows/c.yaml": workflow("gamma")})
        assert fast.run_once().state == "loaded"

    slow.repository.meanwhile = meanwhile
    report = slow.run_once()
    assert slow.repository.meanwhile is None
    assert (report.state, report.commit) == ("unchanged", upstream.head)
    assert live(definitions).keys() == {"alpha", "gamma"}
    assert [slow.run_once().state, fast.run_once().state] == ["unchanged"] * 2
    assert len(definitions.syncs()) == 2


def test_nor_is_it_refused_and_told_then(
    upstream: Upstream, follow: Callable[..., Follower], definitions: DefinitionStore, told: Told
):
    slow, fast = follow(), follow()
    upstream.commit({"workflows/a.yaml": workflow("alpha"), "workflows/project.yaml": PROJECT})
    slow.run_once()
    upstream.commit({"workflows/a.yaml": BROKEN})

    def meanwhile() -> None:
        upstream.commit({"workflows/a.yaml": workflow("alpha", 2)})
        assert fast.run_once().state == "loaded"

    slow.repository.meanwhile = meanwhile
    assert slow.run_once().state == "unchanged"
    assert [report.state for report in definitions.syncs()] == ["loaded", "loaded"]
    assert told.messages == []


def test_a_head_that_was_fetched_before_another_loaded_a_newer_one_is_not_loaded_again(
    upstream: Upstream, follow: Callable[..., Follower], definitions: DefinitionStore
):
    slow, fast = follow(), follow()
    upstream.commit({"workflows/a.yaml": workflow("alpha")})
    slow.run_once()

    def meanwhile() -> None:
        upstream.commit({"workflows/b.yaml": workflow("beta")})
        assert fast.run_once().state == "loaded"

    slow.repository.meanwhile, slow.repository.after = meanwhile, "fetch"
    assert slow.run_once().state == "unchanged"
    assert [slow.run_once().state for _ in range(2)] == ["unchanged"] * 2
    assert live(definitions).keys() == {"alpha", "beta"}
    assert len(definitions.syncs()) == 2


def test_a_push_that_is_taken_back_is_loaded_also_by_who_never_saw_it(
    upstream: Upstream, follow: Callable[..., Follower], definitions: DefinitionStore
):
    stays, goes = follow(), follow()
    first = upstream.commit({"workflows/a.yaml": workflow("alpha")})
    assert stays.run_once().state == "loaded"
    upstream.commit({"workflows/a.yaml": workflow("alpha", 2)})
    assert goes.run_once().state == "loaded"
    upstream.git("reset", "-q", "--hard", first)
    assert stays.run_once().state == "loaded"
    assert live(definitions) == {"alpha": first}
    assert stays.run_once().state == "unchanged"


def test_those_who_follow_different_branches_do_not_undo_each_other(
    upstream: Upstream, follow: Callable[..., Follower], definitions: DefinitionStore
):
    upstream.commit({"workflows/a.yaml": workflow("alpha")})
    upstream.git("checkout", "-q", "-b", "next")
    upstream.commit({"workflows/b.yaml": workflow("beta")})
    upstream.git("checkout", "-q", "-")
    old, new = follow(), follow(branch="next")
    assert [one.run_once().state for one in (old, new)] == ["loaded", "loaded"]
    assert [one.run_once().state for one in (old, new, old, new)] == ["unchanged"] * 4
    assert live(definitions).keys() == {"alpha", "beta"}


def test_an_emptied_definitions_db_is_filled_by_who_follows_the_source(
    upstream: Upstream, follow: Callable[..., Follower], definitions: DefinitionStore, tables: Callable[..., Any]
):
    upstream.commit({"workflows/a.yaml": workflow("alpha"), "workflows/project.yaml": PROJECT})
    sync = follow()
    sync.run_once()
    tables({})
    assert live(definitions) == {}
    assert [sync.run_once().state for _ in range(2)] == ["loaded", "unchanged"]
    assert live(definitions) == {"alpha": upstream.head}
    assert definitions.project().commit == upstream.head


@pytest.mark.parametrize("text", [workflow("beta"), BROKEN])
def test_a_restored_definitions_db_is_brought_up_to_the_head(
    upstream: Upstream,
    follow: Callable[..., Follower],
    definitions: DefinitionStore,
    tables: Callable[..., Any],
    text: str,
):
    upstream.commit({"workflows/a.yaml": workflow("alpha")})
    sync = follow()
    sync.run_once()
    backup = tables({})
    tables(backup)
    upstream.commit({"workflows/b.yaml": text})
    settled = sync.run_once()
    expected = live(definitions)
    tables(backup)
    assert [sync.run_once().state for _ in range(2)] == [settled.state, "unchanged"]
    assert live(definitions) == expected
    assert definitions.last_sync("main").findings == settled.findings


def test_syncs_are_in_the_order_in_which_they_were_recorded_whatever_the_clocks_say(
    upstream: Upstream, follow: Callable[..., Follower], definitions: DefinitionStore
):
    ahead, behind = follow(now=2 * HOUR), follow(now=HOUR)
    upstream.commit({"workflows/a.yaml": workflow("alpha")})
    ahead.run_once()
    away = upstream.path.rename(upstream.path.with_name("away"))
    assert ahead.run_once().state == "failed"
    away.rename(upstream.path)
    upstream.commit({"workflows/b.yaml": workflow("beta")})
    assert [behind.run_once().state for _ in range(3)] == ["loaded", "unchanged", "unchanged"]
    upstream.path.rename(away)
    assert [behind.run_once().state for _ in range(2)] == ["failed"] * 2
    away.rename(upstream.path)
    assert [behind.run_once().state for _ in range(2)] == ["unchanged"] * 2
    assert ahead.run_once().state == "unchanged"
    found = definitions.syncs()
    assert [report.state for report in found] == ["unchanged", "failed", "loaded", "failed", "loaded"]
    assert found[0].at == 2 * HOUR + 4
