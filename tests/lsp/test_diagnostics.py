"""What lint finds is shown while it is typed, over all files of a folder, at the places that editors count."""

from __future__ import annotations

import subprocess
import sys

from engine.lint.linter import lint
from tests.lsp.editor import Editor

RIGHT = "name: ship\ntasks:\n  build: {run: make, timeout: 5m}\n  test: {needs: build, run: make test, timeout: 5m}\n"
WRONG = RIGHT.replace("needs: build", "needs: biuld")
CALL = "name: call\ntasks:\n  one: {workflow: ship}\n"
PROJECT = "time_zone: UTC\n"


def test_shows_what_lint_finds_and_no_more(written):
    editor = written(project=PROJECT, ship=WRONG)
    [shown] = editor.rules("ship.yaml", "unknown-need")
    [found] = lint({"ship.yaml": WRONG.encode(), "project.yaml": PROJECT.encode()})
    assert shown["message"] == found.text
    assert shown["source"] == "headrace"
    assert shown["severity"] == 1
    start = WRONG.splitlines()[3].index("biuld")
    assert shown["range"] == {"start": {"line": 3, "character": start}, "end": {"line": 3, "character": start + 5}}


def test_what_is_open_counts_over_what_is_on_disk(written):
    editor = written(project=PROJECT, ship=WRONG)
    editor.rules("ship.yaml", "unknown-need")
    editor.open("ship.yaml", RIGHT)
    editor.rules("ship.yaml")
    editor.change("ship.yaml", WRONG)
    editor.rules("ship.yaml", "unknown-need")
    editor.change("ship.yaml", RIGHT)
    editor.rules("ship.yaml")
    editor.shut("ship.yaml")
    editor.rules("ship.yaml", "unknown-need")


def test_one_file_is_wrong_because_of_another(written):
    editor = written(project=PROJECT, ship=RIGHT, call=CALL)
    editor.open("ship.yaml")
    editor.open("call.yaml")
    editor.rules("call.yaml")
    editor.change("ship.yaml", RIGHT.replace("name: ship", "name: shop"))
    [shown] = editor.rules("call.yaml", "unknown-workflow")
    assert shown["message"].endswith('did you mean "shop"?')


def test_files_that_others_change_are_seen(tmp_path):
    (tmp_path / "project.yaml").write_text(PROJECT)
    (tmp_path / "ship.yaml").write_text(WRONG)
    with Editor(tmp_path, workspace={"didChangeWatchedFiles": {"dynamicRegistration": True}}) as editor:
        editor.rules("ship.yaml", "unknown-need")
        [asked] = editor.requests
        assert asked["params"]["registrations"][0]["method"] == "workspace/didChangeWatchedFiles"
        (tmp_path / "ship.yaml").write_text(RIGHT)
        editor.tell("workspace/didChangeWatchedFiles", {"changes": [{"uri": editor.uri("ship.yaml"), "type": 2}]})
        editor.rules("ship.yaml")


def test_a_file_alone_is_a_project(editor):
    editor.open("alone.yaml", WRONG)
    editor.rules("alone.yaml", "unknown-need")


def test_yaml_that_is_no_workflow_is_left_alone(editor):
    editor.open("compose.yaml", "services: {db: {image: postgres}}\n")
    editor.open("alone.yaml", WRONG)
    editor.rules("alone.yaml", "unknown-need")
    assert editor.uri("compose.yaml") not in editor._diagnostics


def test_columns_are_counted_in_utf_16(written):
    text = 'name: ship\ntasks:\n  say: {run: make, timeout: 5m, description: "🚀🚀", needs: x}\n'
    editor = written(project=PROJECT, ship=text)
    [shown] = editor.rules("ship.yaml", "unknown-need")
    column = text.splitlines()[2].index("needs: x") + len("needs: ") + 2
    assert shown["range"]["start"] == {"line": 2, "character": column}
    assert shown["range"]["end"] == {"line": 2, "character": column + 1}


def test_an_editor_that_counts_characters_is_asked_so(tmp_path):
    text = 'name: ship\ntasks:\n  say: {run: make, timeout: 5m, description: "🚀🚀", needs: x}\n'
    (tmp_path / "project.yaml").write_text(PROJECT)
    (tmp_path / "ship.yaml").write_text(text)
    with Editor(tmp_path, general={"positionEncodings": ["utf-32", "utf-16"]}) as editor:
        assert editor.server["capabilities"]["positionEncoding"] == "utf-32"
        [shown] = editor.rules("ship.yaml", "unknown-need")
        assert shown["range"]["start"]["character"] == text.splitlines()[2].index("needs: x") + len("needs: ")


def test_fixes_are_offered_where_they_are(written):
    editor = written(project=PROJECT, ship=WRONG)
    editor.open("ship.yaml")
    [shown] = editor.rules("ship.yaml", "unknown-need")
    params = {"textDocument": {"uri": editor.uri("ship.yaml")}, "range": shown["range"], "context": {"diagnostics": []}}
    [action] = editor.ask("textDocument/codeAction", params)
    assert action["title"] == 'Change to "build"'
    assert action["edit"]["changes"][editor.uri("ship.yaml")] == [{"range": shown["range"], "newText": "build"}]
    elsewhere = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}}
    assert editor.ask("textDocument/codeAction", {**params, "range": elsewhere}) == []


def test_text_that_is_no_unicode_is_a_finding_and_no_end(editor):
    editor.open("alone.yaml", "name: \ud800\ntasks: {a: {run: make}}\n")
    editor.rules("alone.yaml", "yaml-encoding")


def test_ends_as_it_is_told(tmp_path):
    assert Editor(tmp_path).close() == 0


def test_says_how_to_install_it_where_it_is_not():
    without = (
        "import sys; sys.modules['pygls'] = None; from engine.cli.main import main; sys.argv[1:] = ['lsp']; main()"
    )
    done = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'headrace[lsp]'" in done.stderr
