"""Found by the loader: a task needs the same outcome of the same task twice."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="duplicate-need",
    summary="A task needs the same outcome of the same task twice.",
    severity="error",
    why=(
        "`needs: x` means `x.succeeded` (for an approval `x.approved`), so one of the two says nothing. Perhaps "
        "another outcome was meant."
    ),
    before="""\
name: bad
tasks:
  test: {run: make test}
  ship: {needs: [test, test.succeeded], run: make ship}
""",
    after="""\
name: good
tasks:
  test: {run: make test}
  ship: {needs: test, run: make ship}
""",
)
