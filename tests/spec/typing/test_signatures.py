"""Each function and operator with each kind of value: reported if and only if our evaluator takes none of them."""

from itertools import product

import pytest

from engine.core.expressions.budget import STEPS, Run
from engine.core.expressions.catalog import FUNCTIONS, LAZY, METHODS, arity
from engine.core.expressions.compile import compile_ast
from engine.core.expressions.errors import Stop
from engine.core.expressions.operators import BINARY
from engine.spec.cel import parse
from engine.spec.typing import signatures
from engine.spec.typing.check import Checker

VALUES = {
    "string": ["''", "'3'", "'true'", "'1h'", "'2026-01-31T10:00:00Z'", "'YQ=='", "'UTC'"],
    "int": ["1", "0"],
    "double": ["0.5", "1.0"],
    "bool": ["true", "false"],
    "null": ["null"],
    "texts": ["['a']"],
    "numbers": ["[1]", "[0.5]"],
    "maps": ["[{'a': 1}]"],
    "map": ["{'a': 1}"],
    "bytes": ["bytes('a')"],
    "timestamp": ["timestamp('2026-01-31T10:00:00Z')"],
    "duration": ["duration('1h')"],
    "optional": ["optional.of(1)", "optional.of({'a': 1})", "optional.of(['a'])"],
    "type": ["type(1)"],
}
ARGUMENTS = {**VALUES, "string": ["'UTC'"], "int": ["1"], "optional": ["optional.of(1)"]}
GIVEN = ("string", "int", "double", "null", "texts", "duration", "optional")
CALLS = [
    *((f"{name}({{}})", arity(function), 0) for name, function in FUNCTIONS.items()),
    *((f"{{}}.{name}({{}})", arity(function), 1) for name, function in METHODS.items()),
]


def works(source):
    program = compile_ast(parse(source).ast)
    try:
        program.run(Run({}, program.slots, STEPS))
    except Stop:
        return False
    return True


def reported(source):
    checker = Checker({"type": "object", "properties": {}})
    checker.type_of(parse(source).ast, {})
    return any(problem.rule == "expression-type" for problem in checker.problems)


def agree(template, kinds):
    """The check against the evaluator, for one choice of kinds."""
    first, *rest = kinds
    sources = [template(values) for values in product(VALUES[first], *(ARGUMENTS[kind] for kind in rest))]
    working = [source for source in sources if works(source)]
    assert not [source for source in working if reported(source)]
    if not working:
        assert [source for source in sources if not reported(source)] == []


def shapes():
    for template, taken, receiver in CALLS:
        most = min(2 if taken.most is None else taken.most, 3)
        for count in range(max(taken.least, receiver), most + 1):
            yield pytest.param(template, count, receiver, id=f"{template.format('x', '')}-{count}")


@pytest.mark.parametrize(("template", "count", "receiver"), [*shapes()])
def test_functions_agree_with_the_evaluator(template, count, receiver):
    def call(values):
        arguments = ", ".join(values[receiver:])
        return template.format(values[0], arguments) if receiver else template.format(arguments)

    if count == 0:
        assert works(call(()))
        assert not reported(call(()))
        return
    for kinds in product(VALUES, *[GIVEN] * (min(count, 2) - 1), *[("string", "int", "null")] * (count - 2)):
        agree(call, kinds)


@pytest.mark.parametrize("symbol", [symbol for symbol in BINARY if symbol not in {"[]", "[?]"}])
def test_operators_agree_with_the_evaluator(symbol):
    for kinds in product(VALUES, repeat=2):
        agree(lambda values: f"{values[0]} {symbol} {values[1]}", kinds)


@pytest.mark.parametrize(
    "template", ["-{0}", "!{0}", "{0} ? 1 : 2", "{0}.a", "has({0}.a)", "{0}.?a", "[?{0}]", "{{{0}: 1}}"]
)
def test_what_takes_one_value_agrees_with_the_evaluator(template):
    for kind in VALUES:
        agree(lambda values: template.format(*values), (kind,))


@pytest.mark.parametrize("template", ["{0}[{1}]", "{0}[?{1}]"])
def test_looking_into_values_agrees_with_the_evaluator(template):
    for kind in VALUES:
        for key in ("'a'", "0", "0.0", "true", "null"):
            agree(lambda values: template.format(*values, key), (kind,))  # noqa: B023 - called at once


@pytest.mark.parametrize(
    "template",
    [
        *(f"{{0}}.{name}(v, {body})" for name in ("all", "exists", "exists_one", "filter", "map") for body in ("true", "1")),
        *("{0}.map(v, true, 1)", "{0}.map(v, 1, 1)", "{0}.sortBy(v, 1)", "{0}.sortBy(v, null)"),
        *("{0}.optMap(v, 1)", "{0}.optFlatMap(v, 1)", "{0}.optFlatMap(v, optional.none())"),
    ],
)  # fmt: skip
def test_macros_agree_with_the_evaluator(template):
    for kind in VALUES:
        agree(lambda values: template.format(*values), (kind,))


def test_every_function_has_a_signature():
    assert {*FUNCTIONS} - {*signatures.FUNCTIONS} == {"math.greatest", "math.least"}
    assert {*signatures.METHODS} == {*METHODS, *LAZY}


@pytest.mark.parametrize("name", sorted({**signatures.FUNCTIONS, **signatures.METHODS}.keys() - LAZY.keys()))
def test_signatures_have_every_parameter(name):
    for functions, written in ((FUNCTIONS, signatures.FUNCTIONS), (METHODS, signatures.METHODS)):
        if name in functions:
            assert len(written[name].parameters) == arity(functions[name]).most
