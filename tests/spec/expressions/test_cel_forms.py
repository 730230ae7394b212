"""Expressions that share one parse have the trees that a parse of their own gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.spec import cel
from engine.spec.cel import CelSyntaxError, parse

LITERALS = (
    *("0", "7", "123456789012345678", "9223372036854775807", "9223372036854775808", "-1", "- 1", "007", "1.5", "1e3", "0x1f", "1u"),
    *("''", '""', "'a'", '"b c"', "'é😀'", "'\"'", '"\'"', "'//'", "'`'", "'a\\n'", "r'x'", "b'x'", "'''t'''", '"""t"""', "'\0'"),
)  # fmt: skip
SHAPES = (
    *("{0}", "{0} == {1}", "{0} {1}", "{0}{1}", "a{0}", "a.b{0}", "a.{0}", "{0}.a", "{0}.size()", "x == {0} // {1}", "// {0}\n{1}"),
    *("[{0}, {1}][{0}]", "{{{0}: {1}}}", "{{'k': {0}}}.k", "x[{0}].y == {1}", "x[?{0}].orValue({1})", "`{0}` == {1}", "-{0} - {1}"),
    *("x.map(get, get + {0}, [{1}])", "x.map(const, const == {0})", "has(x.y) ? {0} : {1}", "!({0} in x) && {1} in y", "size({0})"),
    *("'{0}' == {1}", '"{0}" == {1}', "'''{0}''' + {1}", "r{0} + {1}", "x.format([{0}, {1}])", "x == {0} || y != {1} && z > 3"),
    *("({0}", "{0})", "x.nothing({0})", "math.abs({0}, {1})", "{0}\n+\n{1}", "1{0}", "{0}1", "{0} .5", "u{0}", "cel.bind(x, {0}, {1})"),
)  # fmt: skip


def told(tree, source):
    """What a parse gives: the tree with the types of its values, or what is wrong and where."""
    try:
        return repr(tree(source))
    except CelSyntaxError as error:
        return error.offset, error.message


def alone(source):
    cel._check_characters(source)
    return cel._tree(source)


@given(st.sampled_from(SHAPES), st.sampled_from(LITERALS), st.sampled_from(LITERALS))
def test_it_is_the_tree_of_its_own_parse(shape, one, other):
    source = shape.format(one, other)
    assert told(lambda each: parse(each).ast, source) == told(alone, source)


def test_paths_follow_the_texts_that_are_keys():
    assert parse("inputs['a'].x == 1").refs == (("inputs", "a", "x"),)
    assert parse("inputs['b'].x == 2").refs == (("inputs", "b", "x"),)


@pytest.mark.parametrize(
    "shape", ["inputs.here > {0} || inputs.name != 'none-{0}'", "x.filter(y, y.z == {0})", "['it is {0}', \"{0}\"]"]
)
def test_one_parse_does_for_all_of_a_shape(shape, monkeypatch):
    parse(shape.format(1))
    monkeypatch.setattr(cel, "_tree", None)
    for number in range(2, 9):
        parse(shape.format(number))
