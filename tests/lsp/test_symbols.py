"""The outline of a file is that of its tasks."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.lsp.symbols import symbols
from engine.lsp.views import View

TEXT = "name: ship\ntasks:\n  roll:\n    tasks:\n      - {id: one, run: make}\n  two: {run: make}\nfinally: {last: {run: make}}\n"
EXAMPLES = sorted((Path(__file__).parents[2] / "workflows").glob("*.yaml"))


def test_tasks_are_listed_below_their_groups(editor):
    editor.open("ship.yaml", TEXT)
    found = editor.ask("textDocument/documentSymbol", {"textDocument": {"uri": editor.uri("ship.yaml")}})
    assert [(each["name"], [one["name"] for one in each["children"]]) for each in found] == [
        ("roll", ["one"]),
        ("two", []),
        ("last", []),
    ]
    assert found[1]["selectionRange"]["start"] == {"line": 5, "character": 2}


def _within(inner, outer):
    start, end = outer.start, outer.end
    return (start.line, start.character) <= (inner.start.line, inner.start.character) and (
        inner.end.line,
        inner.end.character,
    ) <= (end.line, end.character)


@given(st.sampled_from(EXAMPLES), st.data())
@settings(max_examples=60, deadline=None)
def test_no_piece_of_a_file_is_too_much(path, data):
    text = path.read_text()
    text = text[: data.draw(st.integers(0, len(text)), "end")]
    for each in symbols(path.name, View(path.name, text, text)):
        assert _within(each.selection_range, each.range)
