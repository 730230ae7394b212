"""What is said to be always true or false is so for every value, by the evaluator that runs expressions."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from engine.core.expressions.evaluate import condition
from engine.core.expressions.model import Expression
from engine.lint.constant import constants
from engine.spec.cel import parse

VALUES = {"stage": ("test", "live"), "size": ("s", "m", "l"), "dry": (False, True)}
LEFT = {("inputs", name): values for name, values in VALUES.items()}

operands = st.sampled_from(["inputs.stage", "inputs.size", "'test'", "'live'", "'m'", "'x'"])
lists = st.lists(st.sampled_from(["'test'", "'s'", "'x'", "inputs.size"]), max_size=3).map(", ".join)
atoms = st.one_of(
    st.tuples(operands, st.sampled_from(["==", "!="]), operands).map(" ".join),
    st.tuples(operands, lists).map(lambda parts: f"{parts[0]} in [{parts[1]}]"),
    st.sampled_from(["inputs.dry", "inputs.dry == true", "true", "false", "inputs.stage.startsWith('t')"]),
)
conditions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        inner.map(lambda text: f"!({text})"),
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(
            lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"
        ),
        st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]}) ? ({parts[1]}) : ({parts[2]})"),
    ),
    max_leaves=6,
)


def holds(ast, names):
    return condition(Expression(source=f"{ast}", ast=ast), names)


@given(conditions)
def test_what_is_constant_is_so_for_every_value(source):
    for node, value in constants(parse(source).ast, LEFT):
        for chosen in product(*VALUES.values()):
            assert holds(node, {"inputs": dict(zip(VALUES, chosen, strict=True))}) is value


@given(conditions.filter(lambda source: "?" not in source and "startsWith" not in source))
def test_every_condition_of_known_values_that_is_constant_is_found(source):
    ast = parse(source).ast
    results = {holds(ast, {"inputs": dict(zip(VALUES, chosen, strict=True))}) for chosen in product(*VALUES.values())}
    reads = "inputs." in source
    found = [value for node, value in constants(ast, LEFT) if node is ast]
    assert found == (list(results) if reads and len(results) == 1 else [])
