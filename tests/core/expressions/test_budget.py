"""Hostile expressions and values end with a clear error, in little memory, and never in a crash."""

from __future__ import annotations

import tracemalloc

import pytest

from engine.core.expressions.errors import EvaluationError
from engine.core.expressions.evaluate import evaluate
from tests.core.expressions.compiled import expression

MEMORY = 64 * 1024 * 1024


def nested(depth, wrap):
    value = wrap(None)
    for _ in range(depth):
        value = wrap(value)
    return value


NAMES = {
    "ten": list(range(10)),
    "forty": list(range(40)),
    "many": list(range(9_000)),
    "text": "x" * 60_000,
    "huge": "y" * 1_000_000,
    "texts": ["x" * 1_000] * 60,
    "half": "\ud800",
    "maps": nested(900, lambda inner: {"a": inner}),
    "lists": nested(900, lambda inner: [inner]),
}
DOUBLED = "[0].map(a, text + text)" + "".join(f".map(b{i}, b{i} + b{i})" for i in range(8))


@pytest.mark.parametrize(
    "source",
    [
        "ten.all(a, ten.all(b, ten.all(c, ten.all(d, ten.all(e, true)))))",
        "forty.map(x, forty.map(y, forty.map(z, x + y + z)))",
        "ten.exists(a, ten.exists(b, ten.exists(c, ten.exists(d, 1 / 0 == 1))))",
        "many.map(x, text + text)",
        "+".join(["text"] * 30) + " + " + "+".join(f"({'+'.join(['huge'] * 3)})" for _ in range(2)),
        DOUBLED,
        "[many].map(b, b + b).map(c, c + c).map(d, d + d)",
        f"text.replace('x', '{'y' * 2000}')",
        "text.replace('', text)",
        "texts.join(text)",
        "many.map(x, 'a').join(text)",
        f"'{'%s' * 400}'.format([{','.join(['huge'] * 400)}])",
        "text.split('')",
        "huge.split('y')",
        "lists.range(1000000000)",
        "lists.range(9223372036854775807)",
        "many.map(x, lists.range(9000))",
        "many.distinct()",
        "many.sortBy(x, -x)",
        "many.all(x, huge == huge + '')",
        "many.all(x, text.lowerAscii() != '')",
        "strings.quote(huge + huge + huge)",
        "ten.map(x, base64.encode(bytes(huge)))",
        "huge.matches('(y?){500}z')",
        "many.exists(x, 'a'.matches('((a{30}){30}){30}' + string(x)))",
        "many.all(x, many == many)",
        "text + text",
        "[many, many, many, many, many]",
        "ten.map(a, ten.map(b, ten.map(c, many)))",
        "optional.of(ten).optMap(a, many.map(x, many.map(y, a)))",
    ],
)
def test_what_costs_too_much_is_refused(source):
    program = expression(source)
    tracemalloc.start()
    try:
        with pytest.raises(EvaluationError) as caught:
            evaluate(program, NAMES)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.kind == "budget"
    assert "10,000 steps" in caught.value.message or "64 KiB" in caught.value.message
    assert peak < MEMORY


@pytest.mark.parametrize(
    "source",
    [
        "maps == maps",
        "half.matches('a')",
        "'a'.matches(half)",
        "bytes(half)",
        "'%x'.format([half])",
        "lists in [lists]",
        "maps",
        "[lists]",
        "lists.flatten(900)",
        "'%s'.format([maps])",
        "'%.9999f'.format([1.0])",
        "'%.999999999f'.format([1.0])",
        "'a'.matches('((a{1000}){1000}){1000}')",
        f"'a'.matches('{'a' * 1100}')",
        f"int('{'9' * 3000}')",
        f"double('{'9' * 3000}')",
        f"duration('{'9' * 3000}h')",
        f"timestamp('{'2' * 3000}')",
        "timestamp(9223372036854775807)",
        "timestamp(0).getHours('../../etc/passwd')",
        "timestamp(0).getHours('+99:99')",
        "timestamp('0001-01-01T00:00:00Z').getHours('-10:00')",
    ],
)
def test_hostile_values_are_errors_with_a_message(source):
    with pytest.raises(EvaluationError) as caught:
        evaluate(expression(source), NAMES)
    assert caught.value.kind == "expression"
    assert caught.value.message


@pytest.mark.parametrize("pattern", ["^(a+)+$", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$", "(a|aa)+$", "(.*)*!"])
def test_patterns_that_explode_elsewhere_run_in_linear_time(pattern):
    assert evaluate(expression("t.matches(p)"), {"t": "a" * 5_000 + "\n", "p": pattern}) is False


def test_what_a_workflow_needs_stays_within_the_budget():
    rows = [{"name": f"service-{i}", "ok": i % 2 == 0, "tags": ["a", "b"]} for i in range(500)]
    names = {"rows": rows}
    assert len(evaluate(expression("rows.filter(r, r.ok && 'a' in r.tags).map(r, r.name)"), names)) == 250
    assert evaluate(expression("rows.all(r, r.name.matches('^[a-z]+-[0-9]+$'))"), names) is True
    assert evaluate(expression("rows.map(r, r.name).join(', ').size() > 100"), names) is True
