"""What callers of the evaluator get: values, conditions, what was read, and errors with their place."""

from __future__ import annotations

import pytest

from engine.core.expressions.errors import EvaluationError
from engine.core.expressions.evaluate import condition, evaluate, values_read
from engine.core.expressions.model import Position
from tests.core.expressions.compiled import expression

NAMES = {"inputs": {"service": "a", "n": 3, "l": [1, 2], "none": None}, "tasks": {"build": {"outputs": {"score": 0.7}}}}


def failure(source, names=NAMES, starts=()):
    with pytest.raises(EvaluationError) as caught:
        evaluate(expression(source, starts), names)
    return caught.value


def test_a_value_keeps_its_type():
    assert evaluate(expression("inputs"), NAMES) == NAMES["inputs"]
    assert evaluate(expression("inputs.n"), NAMES) == 3
    assert evaluate(expression("inputs.none"), NAMES) is None


def test_a_condition_must_be_a_bool():
    assert condition(expression("inputs.service == 'a' && tasks.build.outputs.score > 0.5"), NAMES) is True
    with pytest.raises(EvaluationError, match="a condition must be true or false, and this is int"):
        condition(expression("inputs.n"), NAMES)


def test_values_read_are_those_that_are_there():
    read = values_read(
        expression("inputs.n > 2 && has(tasks.test.outputs.x) || inputs.l.exists(x, x == inputs.n)"), NAMES
    )
    assert read == {"inputs.n": 3, "inputs.l": [1, 2]}


@pytest.mark.parametrize(
    ("source", "offset", "message"),
    [
        ("inputs.n + inputs.nope", 18, "there is no key 'nope' here"),
        ("inputs.service.x", 15, "string has no member 'x'"),
        ("nope.x", 0, "'nope' has no value here"),
        ("'é😀' + inputs.n", 5, "'+' does not take string and int"),
        ("inputs.l[5]", 8, "index 5 is outside a list of 2"),
        ("inputs.l.map(x, x / 0)", 18, "division by zero"),
        ("9223372036854775807 + inputs.n", 20, "integer overflow"),
        ("inputs.service.substring(9)", 15, "there is no substring from 9 to 1 in 1 characters"),
        ("inputs.n ? 1 : 2", 9, "'?:' needs a bool, not int"),
        ("inputs.n && true", 9, "'&&' needs bools, not int"),
        ("inputs.?n", 0, "the result is an optional; end it with orValue(...)"),
        ("[1, ?inputs.n]", 0, "what follows '?' must be an optional, not int"),
        ("{inputs.n: 1}", 0, "the keys of a map are strings, not int"),
        ("inputs.n.all(x, true)", 9, "a list or map is needed to go through, not int"),
        (
            "inputs.service.getHours()",
            15,
            "getHours() needs a timestamp, not string; strings are read with timestamp()",
        ),
        ("timestamp(inputs.service)", 0, "'a' is no RFC 3339 time such as 2026-01-31T10:00:00Z"),
    ],
)
def test_errors_say_where_and_what(source, offset, message):
    error = failure(source)
    assert (error.kind, error.offset, error.message, error.position) == ("expression", offset, message, None)


def test_the_place_in_the_file_comes_from_the_lines_of_the_expression():
    source = "inputs.n > 1 &&\n  inputs.nope == 2"
    starts = [(0, Position(line=7, column=12)), (18, Position(line=8, column=9))]
    assert failure(source, starts=starts).position == Position(line=8, column=16)
    assert failure("inputs.nope", starts=starts).position == Position(line=7, column=19)
    assert failure(source).position is None


def test_a_decided_condition_hides_the_error_of_the_other_side():
    assert evaluate(expression("inputs.nope == 1 || inputs.n == 3"), NAMES) is True
    assert evaluate(expression("inputs.nope == 1 && inputs.n == 4"), NAMES) is False
    assert failure("inputs.nope == 1 || inputs.n == 4").message == "there is no key 'nope' here"


def test_a_bool_is_no_number():
    assert (
        evaluate(expression("[true == 1, 1 in [true], inputs.l == [true, 2]]"), {"inputs": {"l": [1, 2]}})
        == [False] * 3
    )


def test_doubles_are_written_short():
    doubles = "[1e15, 123456789.0, 0.1, 1.0 / 3.0, -0.0].map(d, string(d))"
    assert evaluate(expression(doubles), {}) == ["1000000000000000", "123456789", "0.1", "0.3333333333333333", "-0"]


def test_one_program_serves_many_evaluations_at_different_values():
    source = expression("inputs.l.map(x, inputs.l.filter(y, y < x).size())")
    assert evaluate(source, {"inputs": {"l": [1, 2, 3]}}) == [0, 1, 2]
    assert evaluate(source, {"inputs": {"l": [5]}}) == [0]


def test_expressions_with_the_same_text_keep_their_own_places():
    first = expression("inputs.nope", [(0, Position(line=1, column=1))])
    second = expression("inputs.nope", [(0, Position(line=9, column=5))])
    for source, line in ((first, 1), (second, 9), (first, 1)):
        with pytest.raises(EvaluationError) as caught:
            evaluate(source, NAMES)
        assert caught.value.position == Position(line=line, column=8 if line == 1 else 12)
