"""Names lead to their definitions, and tasks are renamed wherever they are named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.lsp.occurrences import occurrences
from engine.spec.document import read
from engine.spec.nodes import Document

EXAMPLES = sorted((Path(__file__).parents[2] / "workflows").glob("*.yaml"))
TEXT = """\
name: ship
inputs: {service: {type: string}}
tasks:
  build: {run: make, outputs: {image: {type: string}}, timeout: 5m}
  ask: {needs: build, uses: approval, with: {message: "🚀 ${{ inputs.service }} ${{ tasks.build.outputs.image }}", approvers: ana}}
  roll:
    needs: [build, ask.approved]
    tasks:
      build: {run: make}
      test: {needs: build, run: make, if: "tasks.build.outcome == 'succeeded'"}
  note: {needs: build.failed, run: "echo ${{ tasks.build }}", timeout: 5m}
finally:
  last: {uses: values, with: {a: "${{ tasks['build'].outcome }}"}}
outputs: {image: "${{ tasks.build.outputs.image }}"}
"""
TEST = """\
workflow: ship
cases:
  - name: one
    mocks: {build: {outputs: {image: build}}, roll/build: {outputs: {}}}
    expect: {order: [build, roll/build], outcomes: {build: succeeded}}
"""
CALL = "name: call\ntasks:\n  one: {workflow: ship}\n"


def applied(text, edits):
    lines = text.splitlines(keepends=True)
    for edit in sorted(edits, key=lambda each: (each["range"]["start"]["line"], -each["range"]["start"]["character"])):
        start, end = edit["range"]["start"], edit["range"]["end"]
        line = lines[start["line"]].encode("utf-16-le")
        new = line[: start["character"] * 2] + edit["newText"].encode("utf-16-le") + line[end["character"] * 2 :]
        lines[start["line"]] = new.decode("utf-16-le")
    return "".join(lines)


@pytest.fixture
def opened(editor):
    for name, text in (("ship.yaml", TEXT), ("ship.test.yaml", TEST), ("call.yaml", CALL)):
        (editor.root / name).write_text(text)
        editor.open(name, text)
    return editor


def test_a_task_is_renamed_wherever_it_is_named_and_no_other_task_is(opened):
    edit = opened.at("rename", "ship.yaml", 3, 3, newName="compile")
    expected = TEXT.replace("build", "compile")
    expected = expected.replace("      compile: {run: make}", "      build: {run: make}")
    expected = expected.replace("test: {needs: compile", "test: {needs: build")
    expected = expected.replace('if: "tasks.compile.outcome', 'if: "tasks.build.outcome')
    expected = expected.replace("echo ${{ tasks.compile }}", "echo ${{ tasks.build }}")
    assert applied(TEXT, edit["changes"][opened.uri("ship.yaml")]) == expected
    assert applied(TEST, edit["changes"][opened.uri("ship.test.yaml")]) == (
        TEST.replace("{build: {", "{compile: {").replace("[build,", "[compile,").replace("{build: s", "{compile: s")
    )


def test_a_task_in_a_group_is_renamed_with_its_paths_in_tests(opened):
    edit = opened.at("rename", "ship.yaml", 8, 7, newName="compile")
    assert applied(TEST, edit["changes"][opened.uri("ship.test.yaml")]) == TEST.replace("roll/build", "roll/compile")


@pytest.mark.parametrize("name", ["ask", "test", "last", "Wrong", "in", ""])
def test_a_name_that_is_taken_or_none_changes_nothing(opened, name):
    assert opened.at("rename", "ship.yaml", 3, 3, newName=name) is None


def test_names_lead_to_their_definitions(opened):
    lines = TEXT.splitlines()
    [need] = opened.at("definition", "ship.yaml", 4, lines[4].index("needs: build") + 8)
    assert need["range"]["start"] == {"line": 3, "character": 2}
    [given] = opened.at("definition", "ship.yaml", 4, lines[4].index("inputs.service") + 9)
    assert given["range"]["start"] == {"line": 1, "character": 9}
    [called] = opened.at("definition", "call.yaml", 2, CALL.splitlines()[2].index("ship") + 1)
    assert (called["uri"], called["range"]["start"]["line"]) == (opened.uri("ship.yaml"), 0)
    assert opened.at("definition", "ship.yaml", 2, 0) == []


def test_references_are_listed_without_the_declaration(opened):
    found = opened.at("references", "ship.yaml", 0, 7, context={"includeDeclaration": False})
    assert {each["uri"] for each in found} == {opened.uri("call.yaml"), opened.uri("ship.test.yaml")}


PROJECT = """\
people: {ana: {email: ana@example.com}}
groups: {board: [ana]}
channels: {ops: {kind: slack, secret: HOOK}}
webhooks: {github: {provider: github, secret: HOOK}}
vars: {host: example.com}
secrets: [HOOK]
queues: [large]
"""
NAMING = """\
name: ship
on: {webhook: [{source: github}]}
tasks:
  ask: {uses: approval, with: {message: hi, approvers: ["group:board", ana], channel: ops}}
  call: {needs: ask, queue: large, uses: http, with: {url: "https://${{ vars.host }}/?to=ana", headers: {t: "${{ secrets.HOOK }}"}}}
"""


@pytest.mark.parametrize(
    ("word", "line", "declared"),
    [
        ("github", 1, (3, "github: {")),
        ("board", 3, (1, "board")),
        ("ana]", 3, (0, "ana")),
        ("ops", 3, (2, "ops")),
        ("large", 4, (6, "large")),
        ("host", 4, (4, "host")),
        ("HOOK", 4, (5, "HOOK")),
    ],
)
def test_names_of_the_project_lead_there(editor, word, line, declared):
    editor.open("project.yaml", PROJECT)
    editor.open("ship.yaml", NAMING)
    [found] = editor.at("definition", "ship.yaml", line, NAMING.splitlines()[line].index(word) + 1)
    assert found["uri"] == editor.uri("project.yaml")
    start = {"line": declared[0], "character": PROJECT.splitlines()[declared[0]].index(declared[1])}
    assert found["range"]["start"] == start


def test_what_names_a_secret_is_listed_in_project_and_workflows(editor):
    editor.open("project.yaml", PROJECT)
    editor.open("ship.yaml", NAMING)
    found = editor.at("references", "project.yaml", 5, 11, context={"includeDeclaration": True})
    places = [(each["uri"].rpartition("/")[2], each["range"]["start"]["line"]) for each in found]
    assert sorted(places) == [("project.yaml", 2), ("project.yaml", 3), ("project.yaml", 5), ("ship.yaml", 4)]


def test_tasks_in_a_list_are_renamed(editor):
    text = "name: ship\ntasks:\n  - id: one\n    run: make\n  - {id: two, needs: one, run: make}\n"
    editor.open("list.yaml", text)
    edit = editor.at("rename", "list.yaml", 4, text.splitlines()[4].index("one"), newName="first")
    assert applied(text, edit["changes"][editor.uri("list.yaml")]) == text.replace("one", "first")


def test_what_an_alias_repeats_is_renamed_once(editor):
    text = (
        "name: ship\ntasks:\n  one: {run: make}\n  two: {needs: &n [one], run: make}\n  three: {needs: *n, run: make}\n"
    )
    editor.open("ship.yaml", text)
    edit = editor.at("rename", "ship.yaml", 2, 3, newName="first")
    assert applied(text, edit["changes"][editor.uri("ship.yaml")]) == text.replace("one", "first")


@given(st.sampled_from(EXAMPLES), st.data())
@settings(max_examples=60, deadline=None)
def test_no_piece_of_a_file_is_too_much(path, data):
    text = path.read_text()
    document = read(path.name, text[: data.draw(st.integers(0, len(text)), "end")].encode())
    for each in occurrences([document]) if isinstance(document, Document) else ():
        assert 0 <= each.span.start <= each.span.end <= len(text)


def test_every_name_of_the_examples_is_where_it_is_said_to_be():
    documents = [read(path.name, path.read_bytes()) for path in EXAMPLES]
    found = occurrences(documents)
    assert len({each.document.source.path for each in found if not each.defines}) > len(EXAMPLES) // 2
    for each in found:
        assert each.document.source.text[each.span.start : each.span.end] == each.target[-1]
    defined = {each.target for each in found if each.defines}
    assert {each.target for each in found if each.target[0] == "task"} <= defined
