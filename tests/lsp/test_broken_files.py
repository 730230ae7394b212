"""A file that is no YAML while it is typed is asked as it was before; what has moved since is shown where it is now."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from engine.lsp.positions import Positions
from engine.lsp.views import View
from engine.spec.nodes import Span, Text

TEXT = """\
name: ship
tasks:
  build: {run: make, description: Makes it.}
  test: {needs: build, run: make}
"""
BROKEN = TEXT.replace("  test:", "  note: {uses: [\n  test:")


@pytest.fixture
def broken(editor):
    editor.open("ship.yaml", TEXT)
    editor.change("ship.yaml", BROKEN)
    editor.rules("ship.yaml", "yaml-syntax")
    return editor


def test_words_mean_what_they_meant(broken):
    assert "Makes it." in broken.at("hover", "ship.yaml", 4, 18)["contents"]["value"]
    assert broken.at("hover", "ship.yaml", 3, 10) is None  # it is new


def test_names_lead_to_where_things_are_now(broken):
    (definition,) = broken.at("definition", "ship.yaml", 4, 18)
    assert definition["range"]["start"] == {"line": 2, "character": 2}
    found = broken.at("references", "ship.yaml", 2, 3, context={"includeDeclaration": False})
    assert [each["range"]["start"] for each in found] == [{"line": 4, "character": 16}]


def test_tasks_are_listed_where_they_are_now(broken):
    found = broken.ask("textDocument/documentSymbol", {"textDocument": {"uri": broken.uri("ship.yaml")}})
    assert [(each["name"], each["selectionRange"]["start"]["line"]) for each in found] == [("build", 2), ("test", 4)]


def test_nothing_is_renamed_in_it(broken):
    assert broken.at("rename", "ship.yaml", 2, 3, newName="compile") is None
    broken.change("ship.yaml", TEXT)
    assert broken.at("rename", "ship.yaml", 2, 3, newName="compile") is not None


def test_nothing_is_known_of_one_that_never_was_yaml(editor):
    editor.open("ship.yaml", BROKEN)
    assert editor.at("hover", "ship.yaml", 4, 18) is None
    assert editor.at("definition", "ship.yaml", 4, 18) == []


@given(*(st.text(letters, max_size=6) for letters in ("ab🚀\n", "x", "y", "ab🚀\n")))
def test_what_is_around_a_change_has_only_moved(before, old, new, after):
    text, shown = before + old + after, before + new + after
    view, positions = View("a", text, shown), Positions(Text("a", shown))
    for offset in range(len(before)):
        assert view.offset(positions.position(offset)) == offset
        assert view.range(Span(offset, offset)).start == positions.position(offset)
    for left in range(len(after)):
        assert view.offset(positions.position(len(shown) - left)) == len(text) - left
        assert view.range(Span(len(text) - left, len(text) - left)).end == positions.position(len(shown) - left)


@given(st.text("ab\n", max_size=8), st.text("ab\n", max_size=8), st.data())
def test_every_place_is_shown_somewhere(text, shown, data):
    start = data.draw(st.integers(0, len(text)))
    found = View("a", text, shown).range(Span(start, data.draw(st.integers(start, len(text)))))
    assert types.Position(0, 0) <= found.start <= found.end <= Positions(Text("a", shown)).position(len(shown))
