"""An error that nobody foresaw while a commit is taken is told like any other."""

from __future__ import annotations

import pytest

from engine.app.ports import DefinitionStore
from engine.app.sync import Synchronizer
from tests.sync.told import PROJECT, Told, workflow
from tests.sync.upstream import Upstream


@pytest.mark.parametrize("step", ["load", "lint_loaded"])
def test_a_commit_that_breaks_what_reads_it_is_refused_and_its_author_told(
    upstream: Upstream, make, definitions: DefinitionStore, told: Told, monkeypatch: pytest.MonkeyPatch, step: str
):
    upstream.commit({"workflows/a.yaml": workflow("alpha"), "workflows/project.yaml": PROJECT})
    make().run_once()

    def broken(_: object) -> None:
        raise ZeroDivisionError("a text\x00of \ud800 any kind" * 100)

    upstream.commit({"workflows/a.yaml": workflow("alpha", 2)})
    with monkeypatch.context() as patched:
        patched.setattr(f"engine.app.sync.{step}", broken)
        sync = make()
        report = sync.run_once()
        assert [sync.run_once().state, make().run_once().state] == ["unchanged"] * 2
    assert (report.state, [finding["rule"] for finding in report.findings]) == ("refused", ["unreadable-commit"])
    assert "ZeroDivisionError" in report.findings[0]["message"]
    assert definitions.last_sync("main") == report
    assert (told.statuses[-1]["good"], len(told.messages)) == (False, 1)
    assert "x: 1" in definitions.active("alpha").text
    assert sync.run_once().state == "unchanged"
    assert make().run_once().state == "loaded"  # by a process that can read it


def test_what_nobody_foresaw_elsewhere_is_recorded_as_a_failure_once_and_tried_again(
    upstream: Upstream, sync: Synchronizer, definitions: DefinitionStore, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_: object) -> None:
        raise OSError(24, "Too many open files")

    upstream.commit({"workflows/a.yaml": workflow("alpha")})
    with monkeypatch.context() as patched:
        patched.setattr("engine.app.sync.make_plan", broken)
        assert [sync.run_once().state for _ in range(2)] == ["failed"] * 2
    assert sync.run_once().state == "loaded"
    loaded, failed = definitions.syncs()
    assert (loaded.state, failed.state, failed.error) == ("loaded", "failed", "OSError(24, 'Too many open files')")
