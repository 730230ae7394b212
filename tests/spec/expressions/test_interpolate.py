"""Where expressions begin and end inside text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.spec.interpolate import InterpolationError, Piece, is_template, split


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("plain }} text", ["plain }} text"]),
        ("${{ a }}", ["a"]),
        ("${{a}}${{b}}", ["a", "b"]),
        ("x ${{ a }}-${{ b }}!", ["x ", "a", "-", "b", "!"]),
        ("${{ {'k': {'z': '}}'}}.k }}", ["{'k': {'z': '}}'}}.k"]),
        ("""${{ '''}}''' + "}}" }}""", ["""'''}}''' + "}}\""""]),
        (r"${{ 'it\'s }}' }}", [r"'it\'s }}'"]),
        (r"${{ r'\' }}", [r"r'\'"]),
        ("$${{ a }}", ["${{ a }}"]),
        ("$${{ a }} ${{ b }}", ["${{ a }} ", "b"]),
        ("$$${{ a }}", ["$${{ a }}"]),
        ("${{ 'a }}", ["'a"]),
        ("${ a } $ {{ b }}", ["${ a } $ {{ b }}"]),
        ("${{\n  a\n}}", ["a"]),
    ],
)
def test_pieces(text, pieces):
    found = split(text)
    assert [part.source if isinstance(part, Piece) else part for part in found] == pieces
    for part in found:
        if isinstance(part, Piece):
            assert text[part.offset :].startswith(part.source)


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("a ${{ b", 2, "never closed"),
        ("a ${{ b }", 2, "never closed"),
        ("ab${{ }}", 2, "no expression"),
        ("${{}}", 0, "no expression"),
        ("${{ a }} ${{ {b }}", 9, "never closed"),
    ],
)
def test_errors_say_where_it_opens(text, at, message):
    with pytest.raises(InterpolationError) as caught:
        split(text)
    assert caught.value.offset == at
    assert message in caught.value.message


@given(st.text(st.sampled_from("${}a'\"\\ r"), max_size=40))
def test_text_is_split_whole_or_refused(text):
    try:
        parts = split(text)
    except InterpolationError:
        return
    if not is_template(text):
        assert "".join(parts) == text
    assert all(parts)
