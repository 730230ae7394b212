"""`headrace fmt`: writes, checks, shows, and says what it cannot do."""

from __future__ import annotations

import pytest

ODD = "tasks:\n    a: {run: 'x', needs: []}  # why\nname: odd\n"
EVEN = 'name: odd\n\ntasks:\n  a: {needs: [], run: "x"}  # why\n'


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "workflows"
    made.mkdir()
    (made / "odd.yaml").write_text(ODD)
    (made / "even.yaml").write_text(EVEN)
    return made


def test_files_are_written_anew(headrace, folder):
    done = headrace("fmt")
    assert (done.status, done.out) == (0, "changed: workflows/odd.yaml\n1 of 2 files changed\n")
    assert (folder / "odd.yaml").read_text() == EVEN
    assert headrace("fmt").out == "0 of 2 files changed\n"


def test_a_check_writes_nothing_and_says_no(headrace, folder):
    done = headrace("fmt", "--check")
    assert (done.status, done.out) == (1, "would be changed: workflows/odd.yaml\n1 of 2 files would be changed\n")
    assert (folder / "odd.yaml").read_text() == ODD
    assert headrace("fmt", "--check", "workflows/even.yaml").status == 0


def test_a_difference_is_shown(headrace, folder):
    done = headrace("fmt", "--diff")
    assert done.status == 0
    assert done.out.startswith("--- workflows/odd.yaml\n+++ workflows/odd.yaml\n")
    assert "+name: odd\n" in done.out
    assert (folder / "odd.yaml").read_text() == ODD
    assert headrace("fmt", "--diff", "--check").status == 1


def test_what_cannot_be_read_is_told_and_the_rest_is_done(headrace, folder):
    (folder / "bad.yaml").write_text("a: [\n")
    (folder / "anchor.yaml").write_text("a: &x 1\nb:   *x\n")
    done = headrace("fmt")
    assert done.status == 1
    assert "workflows/bad.yaml:2:1: error:" in done.err
    assert "headrace: workflows/anchor.yaml stays as it is: it has anchors or aliases\n" in done.err
    assert "changed: workflows/odd.yaml" in done.out
    assert (folder / "anchor.yaml").read_text() == "a: &x 1\nb:   *x\n"


def test_slips(headrace, tmp_path):
    assert headrace("fmt", "nope").status == 2
    (tmp_path / "empty").mkdir()
    assert headrace("fmt", "empty").status == 2
