"""What `headrace run` consists of, piece by piece: text made safe, values read by their schemas."""

from __future__ import annotations

import pytest
import typer
from hypothesis import given as drawn
from hypothesis import strategies as st

from engine.cli.local import given, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("10 %\r20 %\r", "20 %"),
        ("a\tb", "a   b"),
        ("\x1b]0;title\x07x\x1b]52;c;c2VjcmV0\x1b\\y", "xy"),
        ("\x9b2Jx", "x"),
        ("\x1bPq\x1b\\x\x1bcy", "xy"),
        ("bell\x07", "bell\N{REPLACEMENT CHARACTER}"),
        ("evil\u202etxt.exe", "evil\N{REPLACEMENT CHARACTER}txt.exe"),
        ("wide\u00a0space", "wide space"),
        ("日本 👩\u200d💻", "日本 👩\u200d💻"),
        ("\ud800", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_lines_are_made_safe(text, shown):
    assert printable.line(text) == shown


@drawn(st.text())
def test_nothing_is_left_that_a_terminal_obeys(text):
    assert all(letter.isprintable() or letter in printable.KEPT for letter in printable.line(text))


def test_texts_become_one_line_that_fits():
    assert printable.short("two\n  lines", 20) == "two lines"
    assert printable.short("two\nlines", 5) == "two …"


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("1.10", {"type": "string"}, "1.10"),
        ("1.5", {"type": "number"}, 1.5),
        ("[1]", {}, [1]),
        ("eu", {}, "eu"),
        ("NaN", {}, "NaN"),
        ("true", True, True),
    ],
)
def test_values_are_read_as_their_schema_wants(text, schema, value):
    assert given.value(text, schema) == value


def test_vars_keep_their_types():
    known = {"version": "1.0", "copies": 2, "list": [1], "on": True, "nothing": None}
    pairs = ["version=2", "copies=2.5", "list=[]", "on=false", "nothing=x"]
    assert given.overrides(pairs, known) == {"version": "2", "copies": 2.5, "list": [], "on": False, "nothing": "x"}
    for wrong in ("list={}", "on=1", "other=1"):
        with pytest.raises(typer.BadParameter):
            given.overrides([wrong], known)


def test_secrets_stand_in_the_variables_where_they_are_looked_for():
    found = given.secrets(["A=x=y", "b.c-d", "E="], {"b.c-d": "z"})
    assert found == {"HEADRACE_SECRET_A": "x=y", "HEADRACE_SECRET_B_C_D": "z", "HEADRACE_SECRET_E": ""}
    for wrong in ("F", "=x", "1=x"):
        with pytest.raises(typer.BadParameter):
            given.secrets([wrong], {})


def test_bodies_are_json_of_any_size_or_yaml(tmp_path):
    file = tmp_path / "body"
    file.write_text('{"n": ["' + "x" * 500_000 + '"]}')
    assert len(given.body(str(file))["n"][0]) == 500_000
    file.write_text("on: 2026-01-01\n")
    assert given.values(str(file)) == {"on": "2026-01-01"}
    for wrong in ("[1]", "{", "a: [", "x" * 300_000):
        file.write_text(wrong)
        with pytest.raises(typer.BadParameter):
            given.values(str(file))
    with pytest.raises(typer.BadParameter):
        given.values(str(tmp_path))
