"""Our own table of CEL's semantics, section by section like the published suite, which no package on PyPI carries.

Sections of the published suite (google/cel-spec, tests/simple) without a place here, because the language has no such
values: `bytes` and `uint` literals, `enums`, `proto2`, `proto3`, `proto2_ext`, `wrappers`, `dynamic` (messages),
`type_deduction` (checker only), `unknowns`, `block_ext` and `bindings_ext` (`cel.block`, `cel.bind`), `network_ext`,
`macros2` (macros of two variables), `namespace` and `fields` where a binding is itself a dotted name, maps with keys
that are no strings, and text with NUL characters. Calls of unknown functions fail at parse, not at run time.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.core.expressions.errors import EvaluationError
from engine.core.expressions.evaluate import evaluate
from engine.spec.cel import CelSyntaxError
from tests.core.expressions.compiled import expression
from tests.core.expressions.library import Failed, NoAnswer, answer

TABLE = (Path(__file__).parent / "conformance.txt").read_text(encoding="utf-8")
NAMES = json.loads(TABLE.split("The names they read: ", 1)[1].split("\n", 1)[0])


def sections():
    for section in TABLE.split("\n## ")[1:]:
        title, *lines = section.splitlines()
        yield pytest.param([line.rsplit("  =>  ", 1) for line in lines if line], id=title.replace(" ", "-"))


def outcome(source):
    try:
        return json.dumps(evaluate(expression(source), NAMES), ensure_ascii=False)
    except EvaluationError:
        return "error"
    except CelSyntaxError:
        return "syntax error"


@pytest.mark.parametrize("cases", list(sections()))
def test_the_evaluator_gives_what_the_table_says(cases):
    assert {source: outcome(source) for source, _ in cases} == dict(cases)


@pytest.mark.parametrize("cases", list(sections()))
def test_the_library_agrees_with_the_table(cases):
    for source, expected in cases:
        try:
            found = json.dumps(answer(source, NAMES), ensure_ascii=False, sort_keys=True)
        except NoAnswer:
            continue
        except Failed:
            found = "error"
        wanted = (
            expected if expected == "error" else json.dumps(json.loads(expected), ensure_ascii=False, sort_keys=True)
        )
        assert found == wanted, source
