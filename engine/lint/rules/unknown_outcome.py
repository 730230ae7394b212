"""Found by the loader: a task never ends with the outcome that another one needs."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="unknown-outcome",
    summary="A task never ends with the outcome that another one needs.",
    severity="error",
    why=(
        "An edge for an outcome that never comes would never be satisfied. Every task can end as `succeeded`, "
        "`failed`, `skipped` or `cancelled` (`done` stands for any); an approval as `approved`, `rejected` or "
        "`expired` instead of `succeeded`."
    ),
    before="""\
name: bad
tasks:
  test: {run: make test}
  ship: {needs: test.sucess, run: make ship}
  ask: {uses: approval, with: {message: "Go?", approvers: ana, expires: 1h}}
  no: {needs: ask.succeeded, run: "true"}
""",
    after="""\
name: good
tasks:
  test: {run: make test}
  ship: {needs: test.succeeded, run: make ship}
""",
)
