"""What is offered at a place, also while the file is no YAML yet."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol import types

from engine.lsp import cursor
from engine.lsp.completion import complete
from engine.spec.load import load

PROJECT = (
    "people: {ana: {email: a@example.com}}\nchannels: {news: {kind: log}}\nvars: {region: north}\nsecrets: [TOKEN]\n"
)
CALLED = "name: called\ninputs: {color: {type: string, description: Its colour.}}\ntasks: {a: {run: make}}\n"
HEAD = (
    "name: ship\ninputs: {service: {type: string}}\ntasks:\n"
    "  build: {run: make, outputs: {image: {type: string}}}\n"
    "  ask: {uses: approval, with: {message: m, approvers: ana}}\n"
)
EXAMPLES = sorted((Path(__file__).parents[2] / "workflows").glob("*.yaml"))
NOWHERE = types.Range(types.Position(0, 0), types.Position(0, 0))


def offered(text, name="ship.yaml"):
    """What is offered at the `|` in the text."""
    before, _, after = text.partition("|")
    return offered_at(before + after, len(before), name)


def offered_at(text, offset, name):
    """What is offered there, with its description."""
    found = cursor.find(name, text, offset)
    files = {"ship.yaml": HEAD, "called.yaml": CALLED, "project.yaml": PROJECT, name: text}
    if found is None:
        return {}
    loaded = load({each: files[each].encode() for each in files})
    return {item.label: item.documentation for item in complete(found, loaded, NOWHERE)}


@pytest.mark.parametrize(
    ("typed", "wanted", "unwanted"),
    [
        ("  ship:\n    ne|", {"needs", "if", "uses"}, {"approved"}),
        ("  ship:\n    run: make\n    ti|", {"timeout"}, {"run"}),
        ("  ship: {needs: |", {"build", "ask"}, {"ship"}),
        ("  ship: {needs: [build, |", {"build", "ask"}, {"ship"}),
        ("  ship: {needs: ask.|, run: make}\n", {"approved", "expired", "done"}, {"build"}),
        ("  ship:\n    uses: h|", {"http", "approval"}, {"script"}),
        ("  ship:\n    uses: http\n    with:\n      u|", {"url", "method"}, {"message"}),
        ("  ship:\n    workflow: |", {"called", "ship"}, set()),
        ("  ship:\n    workflow: called\n    with:\n      |", {"color"}, {"url"}),
        ("  ship:\n    uses: message\n    with:\n      channel: |", {"news"}, {"ana"}),
        ("  ship: {needs: build, if: tasks.|, run: make}\n", {"build"}, {"ask", "ship"}),
        ("  ship: {needs: build, if: tasks.build.outputs.|, run: make}\n", {"image"}, {"build"}),
        ("  ship: {run: make, if: in|}\n", {"inputs", "vars", "instance"}, {"secrets"}),
        ("  ship: {run: make, env: {A: '${{ secrets.|'}}\n", {"TOKEN"}, {"inputs"}),
        ("  ship:\n    run: make\n    env:\n      A: ${{ inputs.|", {"service"}, {"inputs"}),
    ],
)
def test_offers_what_the_place_takes(typed, wanted, unwanted):
    found = offered(HEAD + typed)
    assert wanted <= found.keys()
    assert not unwanted & found.keys()


def test_offers_though_other_lines_are_broken():
    assert "http" in offered("name: [\ntasks:\n  ship:\n    uses: h|")


def test_keys_are_described_as_in_the_schema():
    assert "waits for" in offered(HEAD + "  ship:\n    ne|")["needs"]


def test_over_the_protocol_the_word_is_replaced(editor):
    text = HEAD + '  ship: {description: "🚀", needs: bu, run: make}\n'
    editor.open("ship.yaml", text)
    line = text.splitlines()[5]
    character = line.index("bu,") + 2 + 1  # the rocket is two units
    items = editor.at("completion", "ship.yaml", 5, character)
    [item] = [each for each in items if each["label"] == "build"]
    assert item["textEdit"]["range"]["start"] == {"line": 5, "character": character - 2}
    assert item["textEdit"]["range"]["end"] == {"line": 5, "character": character}


@given(st.sampled_from(EXAMPLES), st.data())
@settings(max_examples=60, deadline=None)
def test_no_place_of_no_piece_of_a_file_is_too_much(path, data):
    text = path.read_text()
    text = text[: data.draw(st.integers(0, len(text)), "end")]
    at = data.draw(st.integers(0, len(text)), "cursor")
    offered_at(text, at, path.name)
