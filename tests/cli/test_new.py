"""`headrace new`: each example is a workflow that lints clean and whose test passes, wherever it is written."""

from __future__ import annotations

import pytest

from engine.cli.examples import examples

NAMES = sorted(examples())


def test_the_examples_are_there(headrace):
    assert len(NAMES) >= 12
    listed = headrace("new", "--list").out
    assert all(name in listed for name in NAMES)
    assert headrace("new", "--list", "--json").json["hello"] == "The smallest workflow with an input and an output."


@pytest.mark.parametrize("example", NAMES)
def test_what_is_written_lints_clean_and_passes_its_test(headrace, tmp_path, example):
    done = headrace("new", "my-own", "--from", example)
    assert (done.status, done.err) == (0, "")
    text = (tmp_path / "workflows" / "my-own.yaml").read_text()
    assert "\nname: my-own\n" in f"\n{text}"
    assert "$schema" not in text
    linted = headrace("lint", "--strict")
    assert (linted.status, linted.out.startswith("0 errors, 0 warnings in ")) == (0, True), linted.out
    assert headrace("fmt", "--check").status == 0
    tested = headrace("test", "--json")
    assert tested.status == 0
    assert "my-own" in {case["workflow"] for case in tested.json["cases"]}


def test_nothing_is_overwritten_unless_it_is_forced(headrace, tmp_path):
    assert headrace("new").status == 0
    file, shared = tmp_path / "workflows" / "hello.yaml", tmp_path / "workflows" / "project.yaml"
    file.write_text("mine")
    shared.write_text("{}")
    again = headrace("new")
    assert (again.status, "--force" in again.err, file.read_text()) == (2, True, "mine")
    assert headrace("new", "--force").status == 0
    assert file.read_text().startswith("name: hello\n")
    assert shared.read_text() == "{}"


def test_what_it_needs_is_kept_where_it_is_there(headrace, tmp_path):
    folder = tmp_path / "flows"
    folder.mkdir()
    (folder / "http-check.yaml").write_text("mine")
    done = headrace("new", "change", "--from", "quorum-change", "--folder", "flows", "--json")
    assert done.json == {"files": ["flows/change.yaml", "flows/change.test.yaml", "flows/project.yaml"]}
    assert (folder / "http-check.yaml").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("Ship",), "no name of a workflow"),
        (("../x",), "no name of a workflow"),
        (("ship", "--from", "nope"), "no example nope"),
        (("ship", "--folder", "file/x"), "cannot be written"),
    ],
)
def test_slips(headrace, tmp_path, words, said):
    (tmp_path / "file").touch()
    done = headrace("new", *words)
    assert (done.status, done.out) == (2, "")
    assert said in done.err
    assert [path.name for path in tmp_path.rglob("*")] == ["file"]


def test_schemas(headrace):
    names = headrace("schema").out.split()
    assert {"finding", "project", "test", "workflow"} <= set(names)
    for name in names:
        assert headrace("schema", name).json["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert headrace("schema", "nope").status == 2
