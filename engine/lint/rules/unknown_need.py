"""Found by the loader: a task needs one that does not exist."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="unknown-need",
    summary="A task needs one that does not exist.",
    severity="error",
    why=(
        "`needs` names tasks of the same list. Tasks of `finally` cannot need those of `tasks`: they all run after "
        "them."
    ),
    before="""\
name: bad
tasks:
  test: {run: make test}
  ship: {needs: tset, run: make ship}
finally:
  report: {needs: [ship], run: make report}
""",
    after="""\
name: good
tasks:
  test: {run: make test}
  ship: {needs: test, run: make ship}
""",
)
