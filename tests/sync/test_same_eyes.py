"""Law 9: what lint passes, sync takes; it refuses what lint calls an error, and says the same of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.adapters.clock import SystemClock
from engine.adapters.databases.connect import open_definitions
from engine.adapters.git.repository import GitRepository
from engine.app.sync import Synchronizer
from engine.app.tell_author import AuthorNotice
from engine.app.versions import Source
from engine.lint.linter import lint
from tests.sync.told import Told
from tests.sync.upstream import Upstream

GOLDEN = Path(__file__).parents[1] / "lint" / "golden"
PROJECTS = [
    project
    for folder in sorted(GOLDEN.iterdir())
    for project in ([folder / "bad", folder / "good"] if (folder / "bad").is_dir() else [folder])
]


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: str(project.relative_to(GOLDEN)))
def test_sync_says_what_lint_says(
    project: Path, upstream: Upstream, source: Source, repository: GitRepository, sqlite_url: str
):
    texts = {f"workflows/{path.relative_to(project)}": path.read_bytes() for path in project.rglob("*.yaml")}
    upstream.commit(dict(texts))
    told = Told()
    database = open_definitions(sqlite_url)
    sync = Synchronizer(
        source=source,
        repository=repository,
        definitions=database.definitions,
        clock=SystemClock(),
        author=AuthorNotice(statuses=told, secrets=told, channels=told),
    )
    report = sync.run_once()
    database.close()
    found = lint(texts)
    assert report.state == ("refused" if any(finding.severity == "error" for finding in found) else "loaded")
    assert list(report.findings) == [finding.to_json() for finding in found if finding.severity != "info"]
