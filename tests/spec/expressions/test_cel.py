"""CEL source becomes our tree with places in characters, or an error that says where and what instead."""

from __future__ import annotations

import pytest

from engine.spec.cel import CelSyntaxError, parse


def offsets_of(node, source):
    """Every node that has a name, with the text that stands at its offset."""
    tag = node[0]
    if tag in {"name", "var", "type"}:
        yield node[2], source[node[1] :]
    elif tag in {"get", "get?", "has", "call", "method", "macro"}:
        yield (node[3] if tag in {"get", "get?", "has"} else node[2]), source[node[1] :]
    for part in node[2:]:
        yield from _below(part, source)


def _below(part, source):
    if isinstance(part, list):
        if len(part) > 1 and isinstance(part[0], str) and isinstance(part[1], int) and not isinstance(part[1], bool):
            yield from offsets_of(part, source)
        else:
            for inner in part:
                yield from _below(inner, source)


@pytest.mark.parametrize(
    "source",
    [
        "inputs.service == 'a' && tasks.build.outputs.score > 0.5",
        "'é😀' + inputs . service",
        "has( inputs.m . k ) ? inputs.?m.?k.orValue( 1 ) : math.greatest( 1, size(inputs.l) )",
        "inputs.l.filter(x, x.y > 1).map(z, [z.w, ?inputs.?q])\n  .exists_one(v, v in {'a': trigger.body['k'].m})",
        "a.optMap(x, x.optFlatMap(y, .x.z)) // optMap(",
        "type(a) == int || !b.c && -d.e < 3",
    ],
)
def test_every_name_has_its_place(source):
    found = list(offsets_of(parse(source).ast, source))
    assert found
    for name, text in found:
        assert text.startswith(name), (name, text)


@pytest.mark.parametrize(
    ("source", "refs"),
    [
        ("inputs.service", [("inputs", "service")]),
        ("inputs['x-y'].z + inputs.`q-r`", [("inputs", "x-y", "z"), ("inputs", "q-r")]),
        ("inputs.l[0].x", [("inputs", "l")]),
        ("tasks[inputs.name].outputs", [("tasks",), ("inputs", "name")]),
        ("inputs.l.map(x, x.y + index)", [("inputs", "l"), ("index",)]),
        ("inputs.l.map(inputs, inputs.y + .inputs.z)", [("inputs", "l"), ("inputs", "z")]),
        ("has(tasks.a.outputs.b) && tasks.a.?outputs.?c.orValue(1) == 1", [("tasks", "a", "outputs", "b"), ("tasks", "a", "outputs", "c")]),
        ("inputs.a == 1 || inputs.a == 2", [("inputs", "a")]),
        ("{'k': vars.x, ?'j': vars.?y}", [("vars", "x"), ("vars", "y")]),
        ("math.abs(-1) + size('a')", []),
        ("type(1) == int", []),
        ("size(tasks) + size(tasks.a.outputs)", [("tasks",), ("tasks", "a", "outputs")]),
    ],
)  # fmt: skip
def test_the_paths_it_reads(source, refs):
    assert list(parse(source).refs) == refs


@pytest.mark.parametrize(
    ("source", "at", "message"),
    [
        ("", 0, "empty"),
        ("  // nothing", 0, "empty"),
        ("inputs.service ==", 17, "ends too early"),
        ("inputs a", 7, "unexpected 'a'"),
        ("inputs.\n  a b", 12, "unexpected 'b'"),
        ("'é' + + 1", 6, "unexpected '+'"),
        ("inputs.a = 1", 9, "to compare, write '=='"),
        ("a & b", 2, "'and' is '&&'"),
        ("'abc", 0, "string is not closed"),
        ("[1, 2", 0, "never closed"),
        ("1)", 1, "closes nothing"),
        ("f(1]", 3, "closes nothing"),
        ("1u", 0, "unsigned"),
        ("uint(1)", 0, "unsigned"),
        ("b'abc'", 0, "bytes"),
        ("1e999", 0, "too large"),
        ("99999999999999999999", 0, "invalid int"),
        ("'\\x00'", 0, "NUL"),
        ("a\0b", 1, "U+0000"),
        ("'\ud800'", 1, "U+D800"),
        ("Message{a: 1}", 0, "message"),
        ("cel.bind(x, 1, x)", 0, "not part of this language"),
        ("[1].al(x, x)", 4, "did you mean all()?"),
        ("'a'.upperAsci()", 4, "did you mean upperAscii()?"),
        ("siz([])", 0, "did you mean size()?"),
        ("mth.abs(1)", 4, "did you mean math.abs()?"),
        ("math.gratest(1)", 0, "did you mean math.greatest()?"),
        ("has(a)", 0, "has() takes one member"),
        ("a.has(b)", 2, "does not stand behind a value"),
        ("contains('a', 'b')", 0, "stands behind a value"),
        ("filter([1], x)", 0, "stands behind a value"),
        ("size()", 0, "takes 1 argument, not 0"),
        ("'a'.replace('b')", 4, "takes 2 to 3 arguments, not 1"),
        ("math.least()", 0, "at least 1"),
        ("optional.none(1)", 0, "takes 0 arguments, not 1"),
        ("[1].all(x)", 4, "takes 2 arguments"),
        ("[1].map(x)", 4, "takes 2 or 3 arguments"),
        ("[1].all(x.y, true)", 9, "name of a new variable"),
        ("[1].all(i, v, v > 1)", 4, "takes 2 arguments"),
        ("[1].transformList(i, v, v)", 4, "there is no function transformList()"),
        ("a.OPTMAP(x, x)", 2, "there is no function OPTMAP()"),
        ("package", 0, "reserved"),
        ("true ? false ? 1 : 2 : 3", 13, "unexpected '?'"),
    ],
)
def test_what_is_wrong_and_where(source, at, message):
    with pytest.raises(CelSyntaxError) as caught:
        parse(source)
    assert message in caught.value.message
    assert caught.value.offset == at


@pytest.mark.parametrize(
    "source",
    [
        "(" * 2000 + "1" + ")" * 2000,
        "[" * 40 + "]" * 40,
        "(" * 4000,
        "{'a':" * 500 + "1" + "}" * 500,
        "f(" * 1300 + ")" * 1300,
        "+".join(["1"] * 2000),
        "a" + ".b" * 2000,
        "a" + "[0]" * 1300,
        "a" + ".optMap(x, x)" * 300,
        "true?1:" * 500 + "2",
        "'" * 4001,
        '"' + "\\" * 4000,
        "a" * 5000,
        "é" * 2100,
        "`" * 100,
    ],
)
def test_what_is_too_long_or_deep_is_refused(source):
    with pytest.raises(CelSyntaxError):
        parse(source)


@pytest.mark.parametrize(
    "source", ["!" * 1000 + "true", "a" + ".optMap(x, x)" * 25, "&&".join(["a"] * 1000), "[" + "1," * 2000 + "1]"]
)
def test_long_but_shallow_source_is_taken(source):
    assert parse(source).ast
