"""What is said of the word at the cursor."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.lsp.hover import hover
from engine.spec.load import load

TEXT = """\
name: ship
inputs: {service: {type: string}}
tasks:
  build: {run: make, description: Makes it., outputs: {image: {type: string}}}
  ask: {uses: approval, with: {message: m, approvers: ana}}
  ship: {needs: [build, ask.approved], if: tasks.build.outputs.image != "", run: make}
"""
EXAMPLES = sorted((Path(__file__).parents[2] / "workflows").glob("*.yaml"))


def said(word, after=""):
    offset = TEXT.index(word, TEXT.index(after)) + 1
    return hover("ship.yaml", TEXT, offset, load({"ship.yaml": TEXT.encode()}))


@pytest.mark.parametrize(
    ("word", "after", "wanted"),
    [
        ("needs", "", "waits for"),
        ("approval", "", "Ask people"),
        ("approvers", "", "Who may decide"),
        ("build", "needs", "Makes it."),
        ("ask", "needs", "approval"),
        ("build", "if:", "outputs, outcome, error"),
        ("image", "if:", "`image`: string"),
    ],
)
def test_says_what_a_word_means(word, after, wanted):
    assert wanted in said(word, after)


def test_says_nothing_where_there_is_nothing_to_say():
    assert hover("ship.yaml", TEXT, len(TEXT), load({})) is None
    assert hover("ship.yaml", "a: [", 2, load({})) is None


def test_over_the_protocol(editor):
    editor.open("ship.yaml", TEXT)
    answer = editor.at("hover", "ship.yaml", 5, TEXT.splitlines()[5].index("needs"))
    assert "waits for" in answer["contents"]["value"]


@given(st.sampled_from(EXAMPLES), st.data())
@settings(max_examples=60, deadline=None)
def test_no_place_of_no_piece_of_a_file_is_too_much(path, data):
    text = path.read_text()
    text = text[: data.draw(st.integers(0, len(text)), "end")]
    hover(path.name, text, data.draw(st.integers(0, len(text)), "cursor"), load({path.name: text.encode()}))
