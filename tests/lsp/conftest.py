"""An editor with a folder of its own."""

from __future__ import annotations

import pytest

from tests.lsp.editor import Editor


@pytest.fixture
def editor(tmp_path):
    (tmp_path / "workflows").mkdir()
    with Editor(tmp_path / "workflows") as editor:
        yield editor


@pytest.fixture
def written(tmp_path):
    """Writes files before the editor starts, and starts it."""
    editors = []

    def write(**files):
        for name, text in files.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        editors.append(Editor(tmp_path))
        return editors[-1]

    yield write
    for each in editors:
        each.close()
