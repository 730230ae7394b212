from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.adapters.kinds import left_files as module
from engine.adapters.kinds.left_files import left_files
from engine.app.kinds import Failed

TREE = (
    "a.txt",
    "b.txt",
    ".hidden",
    "dist/app",
    "dist/js/one.js",
    "dist/js/deep/two.js",
    "dist/[x].txt",
    "logs/2026/a.log",
)


@pytest.fixture
def folder(tmp_path):
    for name in TREE:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "empty").mkdir()
    return tmp_path


def found(folder, pattern):
    return [left.file for left in left_files(folder, {"it": pattern})]


def refused(folder, pattern):
    with pytest.raises(Failed) as caught:
        left_files(folder, {"it": pattern})
    assert caught.value.kind == "artifact"
    return caught.value.message


@pytest.mark.parametrize(
    ("pattern", "files", "root"),
    [
        ("a.txt", ["a.txt"], ""),
        ("./a.txt", ["a.txt"], ""),
        ("*.txt", ["a.txt", "b.txt"], ""),
        ("?.txt", ["a.txt", "b.txt"], ""),
        ("[!a].txt", ["b.txt"], ""),
        ("[^].txt", [], ""),
        ("dist/app", ["dist/app"], "dist"),
        ("dist", ["dist/[x].txt", "dist/app", "dist/js/deep/two.js", "dist/js/one.js"], "dist"),
        ("dist/", ["dist/[x].txt", "dist/app", "dist/js/deep/two.js", "dist/js/one.js"], "dist"),
        ("dist/*", ["dist/[x].txt", "dist/app", "dist/js/deep/two.js", "dist/js/one.js"], "dist"),
        ("dist/*.js", [], "dist"),
        ("dist/**/*.js", ["dist/js/deep/two.js", "dist/js/one.js"], "dist"),
        ("dist/js/**", ["dist/js/deep/two.js", "dist/js/one.js"], "dist/js"),
        ("**/*.log", ["logs/2026/a.log"], ""),
        ("**/a*", ["a.txt", "dist/app", "logs/2026/a.log"], ""),
        ("dist/[[]x].txt", ["dist/[x].txt"], "dist"),
        (".", sorted(TREE), ""),
        ("**", sorted(TREE), ""),
        ("empty", [], ""),
        ("dist.app", [], ""),
    ],
)
def test_what_a_pattern_stands_for(folder, pattern, files, root):
    if not files:
        assert "there are no files" in refused(folder, pattern)
        return
    left = left_files(folder, {"it": pattern})
    assert [each.file for each in left] == files
    assert {each.root for each in left} == {root}
    with left[0].open() as content:
        assert content.read().decode() == files[0]


@pytest.mark.parametrize("pattern", ["/etc/passwd", "../secret", "dist/../../secret", "a\0b"])
def test_no_pattern_leads_out(folder, pattern):
    (folder.parent / "secret").write_text("secret")
    assert "leads out of the folder" in refused(folder, pattern)


def test_links_are_followed_inside_and_refused_when_they_lead_out(folder):
    (folder.parent / "secret").write_text("secret")
    (folder / "links").mkdir()
    (folder / "links" / "in").symlink_to("../a.txt")
    assert found(folder, "links/*") == ["links/in"]
    with left_files(folder, {"it": "links/in"})[0].open() as content:
        assert content.read() == b"a.txt"
    (folder / "links" / "out").symlink_to("../../secret")
    assert "leads out" in refused(folder, "links")
    (folder / "links" / "out").unlink()
    (folder / "links" / "nowhere").symlink_to("gone")
    assert "cannot be read" in refused(folder, "links")
    (folder / "links" / "nowhere").unlink()
    (folder / "links" / "loop").symlink_to("loop")
    assert "cannot be read" in refused(folder, "links")


def test_links_to_folders_are_not_gone_into(folder):
    (folder / "outside").symlink_to(folder.parent)
    (folder / "again").symlink_to(folder)
    assert found(folder, "**/*.log") == ["logs/2026/a.log"]
    assert "there are no files" in refused(folder, "again/a.txt")


def test_pipes_and_strange_names_are_refused(folder):
    os.mkfifo(folder / "pipe")
    assert "no regular file" in refused(folder, "pipe")
    (folder / "pipe").unlink()
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.bin")).touch()
    assert "not UTF-8" in refused(folder, "*.bin")


def test_what_took_the_place_of_a_file_is_not_read(folder):
    [left] = left_files(folder, {"it": "a.txt"})
    (folder / "a.txt").unlink()
    (folder / "a.txt").symlink_to("/etc/passwd")
    with pytest.raises(Failed), left.open():
        pass
    (folder / "a.txt").unlink()
    os.mkfifo(folder / "a.txt")
    with pytest.raises(Failed), left.open():
        pass


def test_programs_stay_programs(folder):
    (folder / "dist" / "app").chmod(0o755)
    assert [(each.file, each.executable) for each in left_files(folder, {"x": "dist/app", "y": "a.txt"})] == [
        ("dist/app", True),
        ("a.txt", False),
    ]


def test_a_folder_is_looked_at_up_to_a_bound(folder, monkeypatch):
    monkeypatch.setattr(module, "MOST", 5)
    assert "more than 5 entries" in refused(folder, "a.txt")
