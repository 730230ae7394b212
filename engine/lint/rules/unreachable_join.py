"""Found by the loader: the edges of a task can never satisfy its join."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="unreachable-join",
    summary="The edges of a task can never satisfy its join.",
    severity="error",
    why=(
        "A task ends with one outcome, so two edges from one task are never both satisfied; and `at_least` cannot ask "
        "for more edges than there are."
    ),
    before="""\
name: bad
tasks:
  test: {run: make test}
  both: {needs: [test.succeeded, test.failed], run: make both}
  three: {needs: [test, both], join: {at_least: 3}, run: make three}
  alone: {join: any, run: make alone}
""",
    after="""\
name: good
tasks:
  test: {run: make test}
  either: {needs: [test.succeeded, test.failed], join: any, run: make either}
""",
)
