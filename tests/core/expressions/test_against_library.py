"""Over generated expressions our evaluator gives what the CEL library gives, value or error.

Known differences are left out of what is generated: `int(bool)` aside, the library writes doubles in `%s` with six
digits, lets `%d` take doubles, `optFlatMap` give plain values, and iterates maps in an order of its own.
"""

from __future__ import annotations

from pathlib import Path

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from engine.core.expressions.errors import EvaluationError
from engine.core.expressions.evaluate import evaluate
from tests.core.expressions.compiled import expression
from tests.core.expressions.library import Failed, NoAnswer, answer

NAMES = {
    "v": {
        "s": "Héllo wörld", "e": "", "n": 7, "z": 0, "neg": -3, "big": 9223372036854775807, "d": 2.5, "w": 3.0, "t": True,
        "f": False, "null": None, "l": [3, 1, 2], "sl": ["b", "a", "c"], "mix": [1, "a", None, 2.5, True],
        "ll": [[1, 2], [3]], "el": [], "m": {"a": 1}, "deep": {"a": {"b": [1]}}, "em": {},
    }
}  # fmt: skip
TEMPLATES = (Path(__file__).parent / "templates.txt").read_text(encoding="utf-8").split("\n## ")[1:]
LEAVES, ONE, TWO, THREE = (section.split("\n", 1)[1].split() for section in TEMPLATES)


def filled(templates, children, count):
    return st.builds(
        lambda template, parts: template.format(*parts), st.sampled_from(templates), st.tuples(*[children] * count)
    )


EXPRESSIONS = st.recursive(
    st.sampled_from(LEAVES),
    lambda children: st.one_of(filled(ONE, children, 1), filled(TWO, children, 2), filled(THREE, children, 3)),
    max_leaves=6,
)


@settings(max_examples=400)
@example("v.mix.exists(x,x>2)")
@example("(v.s&&v.f)")
@example("v.m.nope==1||v.t")
@given(EXPRESSIONS)
def test_both_give_the_same(source):
    try:
        expected = answer(source, NAMES)
    except NoAnswer:
        assume(False)
    except Failed:
        expected = Failed
    try:
        found = evaluate(expression(source), NAMES)
    except EvaluationError as error:
        found = Failed
        assume("is an optional" not in error.message and "JSON cannot carry" not in error.message)
    assert repr(found) == repr(expected), source
