"""What a simulated instance goes through, told to the real batches on a real database, leaves the very same state there."""

from __future__ import annotations

from typing import Any

import pytest

from engine.simulate import case as case_module
from engine.simulate.case import run
from engine.simulate.files import is_test
from engine.spec.case_models import CaseKeys, TestFileKeys
from engine.spec.document import read
from engine.spec.nodes import Document
from engine.spec.shape import read_shape
from tests.simulate.playing import ROOT, workflows
from tests.simulate.production import Recorder, hold

FOLDERS = ("workflows", "tests/patterns", "tests/simulate/whole")


def cases() -> list[Any]:
    found = []
    for folder in FOLDERS:
        known = workflows(folder)
        for path in sorted(path for path in (ROOT / folder).glob("*.yaml") if is_test(path.name)):
            document = read(path.name, path.read_bytes())
            assert isinstance(document, Document)
            keys = read_shape(document, TestFileKeys)
            assert isinstance(keys, TestFileKeys)
            found += [
                pytest.param(keys.workflow, known, case, id=f"{keys.workflow}: {case.name}")
                for case in keys.cases
                if case.expect.refused is None
            ]
    return found


@pytest.mark.parametrize(("name", "known", "case"), cases())
def test_the_state_and_all_that_is_asked_for_are_the_same(
    name: str, known: Any, case: CaseKeys, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(case_module, "World", Recorder)
    run(name, known, case)
    hold(Recorder.made, sqlite_url)
