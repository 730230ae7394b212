import pytest

from engine.errors import Problem
from engine.web.forms import PREFIX, fields, values

PROPERTIES = {
    "name": {"type": "string", "pattern": "^a"},
    "count": {"type": "integer", "default": 3},
    "share": {"type": "number"},
    "on": {"type": "boolean", "default": True},
    "colour": {"enum": ["red", 7, None]},
    "extra": {"type": "object"},
    "anything": True,
}


def sent(**texts):
    return {PREFIX + name: text for name, text in texts.items()}


def test_values_have_the_types_of_their_schemas():
    found, wrong = values(
        PROPERTIES,
        sent(name="abc\r\nd", count="4", share="0.5", on="true", colour="7", extra='{"a": [1]}', anything="null"),
    )
    assert not wrong
    assert found == {
        "name": "abc\nd",
        "count": 4,
        "share": 0.5,
        "on": True,
        "colour": 7,
        "extra": {"a": [1]},
        "anything": None,
    }


def test_empty_fields_are_left_out_and_switches_are_off():
    assert values(PROPERTIES, sent(name="", count="")) == ({"on": False}, ())


@pytest.mark.parametrize(("name", "text"), [("count", "4.5"), ("count", "x"), ("share", "1,5"), ("extra", "{a: 1}")])
def test_what_cannot_be_read_is_told_at_its_field(name, text):
    _, wrong = values(PROPERTIES, sent(**{name: text}))
    assert [problem.pointer for problem in wrong] == [f"/{name}"]


def test_a_choice_that_was_not_offered_stays_what_it_is_for_the_schema_to_refuse():
    assert values(PROPERTIES, sent(colour="blue"))[0]["colour"] == "blue"


def test_fields_show_defaults_and_problems():
    problems = [Problem(pointer="/name", detail="no a"), Problem(pointer="", detail='"share" is a required property')]
    by_name = {field.name: field for field in fields(PROPERTIES, ["name", "share"], None, problems)}
    assert by_name["count"].value == "3"
    assert by_name["on"].value == "true"
    assert (by_name["name"].required, by_name["count"].required) == (True, False)
    assert by_name["name"].problem == "no a"
    assert "required" in by_name["share"].problem
    assert by_name["colour"].choices == ("red", "7", "null")
    assert [field.control for field in by_name.values()] == [
        "text",
        "number",
        "number",
        "switch",
        "choice",
        "json",
        "json",
    ]
